/** The words of the shell and of shared components in the current language. A second language is a second file. */

export { words } from "./words.en";
