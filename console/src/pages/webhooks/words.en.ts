export const words = {
  title: "Webhooks",
  shows: "deliveries by status, with attempts and payload; test, redeliver and rotate the secret.",
};
