import { existsSync, readFileSync } from "node:fs";

import { writeAtomically } from "../workstation/files";
import { labPath } from "../paths";
import { resolverAddress } from "./addresses";

/*
 * How programs in the lab find names: by glibc's own means, from the lab's DNS server alone. Machines have these files
 * on their disks; programs of the host and of the base image see them in place of what is there.
 */

/** glibc asks again after a second; a lab's server that is silent for longer is meant to be missed. */
export const resolvConf = `nameserver ${resolverAddress}\noptions timeout:1 attempts:3\n`;

/** The folder with `resolv.conf` and `nsswitch.conf` for programs of the host. */
export function resolverFolder(): string {
    return labPath("network", "resolver");
}

/** The `resolv.conf` of every place. */
export function resolvConfFile(): string {
    return labPath("network", "resolver", "resolv.conf");
}

/** The host's own way to find names, without services of the host that would answer in the server's stead. */
function nsswitch(): string {
    const file = "/etc/nsswitch.conf";
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    return [
        ...lines.filter((line) => line !== "" && !/^\s*(hosts:|#)/.test(line)),
        "hosts: files dns",
        "",
    ].join("\n");
}

/** Writes the files, unless they are there. */
export function ensureResolver(): void {
    if (!existsSync(resolvConfFile())) {
        writeAtomically(labPath("network", "resolver", "nsswitch.conf"), nsswitch(), 0o644);
        writeAtomically(resolvConfFile(), resolvConf, 0o644);
    }
}
