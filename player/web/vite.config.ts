import { defineConfig } from "vitest/config";

// The page and the element are one ES module, `lfv-player.js`, with its worker and its style inside: an embed needs
// one address, and a page of another origin may run it (workers cannot be loaded across origins, blobs of one's own can).
export default defineConfig({
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    chunkSizeWarningLimit: 2000, // size.mjs has the budget
    rollupOptions: {
      input: "src/main.ts",
      output: { format: "es", entryFileNames: "lfv-player.js" },
      // The element's class is exported, for pages that define it under another name.
      preserveEntrySignatures: "strict",
    },
  },
  worker: { format: "es" },
  test: { include: ["tests/**/*.test.ts"] },
});
