/** The pages of objects, found by the prefix of their ids. */

const PAGES: Record<string, (id: string) => string> = {
  asst: (id) => `/assistants/${id}`,
  thread: (id) => `/threads/${id}`,
  run: (id) => `/runs/${id}`,
  vs: (id) => `/stores/${id}`,
  file: (id) => `/files?id=${id}`,
  user: (id) => `/users?id=${id}`,
};

/** Return the path of an object's page, null if it has none. */
export function findPage(id: string): string | null {
  const prefix = /^([a-z]+)_[A-Za-z0-9]+$/.exec(id)?.[1];
  return (prefix && PAGES[prefix]?.(id)) || null;
}
