export const words = {
  title: "API keys",
  shows: "your keys: prefix, name, last use and expiry; create and revoke them.",
};
