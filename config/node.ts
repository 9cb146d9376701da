import { RunError } from "@pulumi/pulumi";

/** As `engines` in package.json says. */
export const leastNodeMajor = 22;

/**
 * Refuses a Node.js that is too old, before any resource exists. npm says the same when it installs (`engine-strict`);
 * but whoever runs `pulumi` may do so with another Node.js.
 *
 * @throws RunError with what to install.
 */
export function checkNode(version = process.versions.node): void {
    if (Number(version.split(".")[0]) < leastNodeMajor) {
        throw new RunError(
            `this program needs Node.js ${leastNodeMajor} or later, and runs on ${version}; nothing was created. ` +
                `Install a later one (https://nodejs.org), see that \`node --version\` says so, and run pulumi again`,
        );
    }
}
