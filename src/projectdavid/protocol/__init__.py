"""Wire types shared by server and SDK. Imports no other package of the project."""
