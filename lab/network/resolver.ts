import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { writeAtomically } from "../workstation/files";
import { labPath } from "../paths";
import { resolverAddress } from "./addresses";

/*
 * How programs in the lab look up names: by glibc, from the lab's DNS server only. Machines have these files on their
 * disks; programs of the workstation and of the base image see them in place of the usual files.
 */

/** glibc asks again after a second, three times: a drill may stop the server for longer. */
export const resolvConf = `nameserver ${resolverAddress}\noptions timeout:1 attempts:3\n`;

/** The folder with `resolv.conf` and `nsswitch.conf` for programs of the workstation. */
export function resolverFolder(): string {
    return labPath("network", "resolver");
}

/** The `resolv.conf` of every place. */
export function resolvConfFile(): string {
    return join(resolverFolder(), "resolv.conf");
}

/** The workstation's nsswitch.conf, without services that would answer in place of the lab's server. */
function nsswitch(): string {
    const file = "/etc/nsswitch.conf";
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    return [
        ...lines.filter((line) => line !== "" && !/^\s*(hosts:|#)/.test(line)),
        "hosts: files dns",
        "",
    ].join("\n");
}

/** Writes the files, unless they exist. */
export function ensureResolver(): void {
    if (!existsSync(resolvConfFile())) {
        writeAtomically(join(resolverFolder(), "nsswitch.conf"), nsswitch(), 0o644);
        writeAtomically(resolvConfFile(), resolvConf, 0o644);
    }
}
