import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  plugins: [react()],
  // The package finds its files by `import.meta.url`, which the pre-bundling of the dev server would move.
  optimizeDeps: { exclude: ["chinwag"] },
});
