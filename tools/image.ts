import { ensureImage } from "../lab/machines/image";

/** Makes the base image unless the cache has it; `tools/setup image` runs this. */
ensureImage((line) => console.log(`setup: ${line}`)).catch((error: unknown) => {
    console.error(`setup: image: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
});
