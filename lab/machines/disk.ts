import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { run } from "../workstation/run";
import { resolvConf } from "../network/resolver";
import { labFolder, machineFolder } from "../paths";

/** What is on a machine's disk besides the image. */
interface DiskSpec {
    id: string;
    name: string;
    userData: string;
    publicKeys?: readonly string[];
    /** A root, as PEM, that its programs trust in addition to Debian's. */
    trustedRoot?: string;
}

/**
 * Makes and mounts a machine's disk: an overlay on the base image, with the user data in cloud-init's NoCloud seed
 * folder. In the machine's folder: `lower` (the image), `upper` (what the machine wrote), `work`, `root` (the mount).
 */
export async function makeDisk(spec: DiskSpec, image: string): Promise<void> {
    const folder = machineFolder(spec.id);
    rmSync(folder, { recursive: true, force: true });
    for (const name of ["upper", "work", "root"]) {
        mkdirSync(join(folder, name), { recursive: true });
    }
    // Other users of this workstation must not read the machine's user data and secrets.
    chmodSync(folder, 0o700);
    chmodSync(join(folder, "upper"), 0o755);
    symlinkSync(image, join(folder, "lower"));
    await mountDisk(spec.id);

    const root = join(folder, "root");
    writeInto(root, "etc/hostname", `${spec.name}\n`);
    writeInto(
        root,
        "etc/hosts",
        `127.0.0.1 localhost\n127.0.1.1 ${spec.name}\n::1 localhost ip6-localhost\n`,
    );
    writeInto(root, "etc/resolv.conf", resolvConf);
    writeInto(root, "var/lib/cloud/seed/nocloud/user-data", spec.userData, 0o600);
    writeInto(root, "var/lib/cloud/seed/nocloud/meta-data", metaData(spec), 0o600);
    if (spec.trustedRoot !== undefined) {
        trust(root, spec.trustedRoot);
    }
}

/** Does what `update-ca-certificates` does; its next run, after an upgrade, keeps the root. */
function trust(root: string, pem: string): void {
    const store = "etc/ssl/certs/ca-certificates.crt";
    writeInto(root, "usr/local/share/ca-certificates/aerial-lab.crt", pem);
    writeInto(root, store, readFileSync(join(root, store), "utf8") + pem);
}

/** JSON, which is YAML: no value needs quoting. */
function metaData({ id, name, publicKeys = [] }: DiskSpec): string {
    return JSON.stringify({ "instance-id": id, "local-hostname": name, "public-keys": publicKeys }) + "\n";
}

/** Mounts a machine's disk, unless it is mounted. */
export async function mountDisk(id: string): Promise<void> {
    const folder = machineFolder(id);
    if (isMounted(join(folder, "root"))) {
        return;
    }
    // Relative paths: a checkout's or cache's path may contain the colons and commas that separate options.
    const layers = "lowerdir=lower,upperdir=upper,workdir=work";
    await run(["mount", "-t", "overlay", "-o", layers, "aerial", "root"], { cwd: folder }).catch(
        (error: unknown) => {
            throw new Error(
                `${labFolder} cannot hold the disks of machines. Overlays need a file system such as ext4, xfs, ` +
                    "btrfs or tmpfs; AERIAL_LAB=/var/tmp/aerial moves the lab to another one.",
                { cause: error },
            );
        },
    );
}

/** Unmounts a machine's disk, if it is mounted. */
export async function unmountDisk(id: string): Promise<void> {
    const root = join(machineFolder(id), "root");
    if (isMounted(root)) {
        await run(["umount", root]);
    }
}

function isMounted(path: string): boolean {
    return mountsBelow(path).includes(path);
}

/** Mount points of this workstation at a path or below it, the innermost last. */
export function mountsBelow(path: string): string[] {
    return readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .map((line) =>
            (line.split(" ")[1] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) => octalCharacter(octal)),
        )
        .filter((target) => target === path || target.startsWith(`${path}/`));
}

function octalCharacter(octal: string): string {
    return String.fromCharCode(Number.parseInt(octal, 8));
}

function writeInto(root: string, path: string, content: string, mode = 0o644): void {
    const file = join(root, path);
    if (!existsSync(dirname(file))) {
        mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    }
    writeFileSync(file, content, { mode });
}
