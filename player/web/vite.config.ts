import { defineConfig } from "vitest/config";

// The page and the element are one ES module, `lfv-player.js`, with its worker and its style inside: an embed needs
// one address, and a page of another origin may run it (workers cannot be loaded across origins, blobs of one's own can).
export default defineConfig({
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    lib: { entry: "src/main.ts", formats: ["es"], fileName: () => "lfv-player.js" },
  },
  worker: { format: "es" },
  test: { include: ["tests/**/*.test.ts"] },
});
