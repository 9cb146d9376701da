import { RunError } from "@pulumi/pulumi";

/** Versions that the program and the packages it needs run on, as `engines` in package.json says. */
export const nodeVersions = "^22.13 || >=24";

/**
 * Refuses a Node.js that is too old, before any resource exists. npm says the same when it installs (`engine-strict`);
 * but whoever runs `pulumi` may do so with another Node.js.
 *
 * @throws RunError with what to install.
 */
export function checkNode(version = process.versions.node): void {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const fits = major >= 24 || (major === 22 && minor >= 13);
    if (!fits) {
        throw new RunError(
            `this program needs Node.js ${nodeVersions}, but runs on ${version}; nothing was created. ` +
                `Install a newer one (https://nodejs.org), check it with \`node --version\`, and run pulumi again`,
        );
    }
}
