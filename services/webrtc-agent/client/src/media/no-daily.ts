/** Stands in for Daily's SDK where the peer-to-peer transport would import it; see vite.config.ts. */
export default {
  createCallObject(): never {
    throw new Error("peer-to-peer calls bring their own media manager");
  },
};
