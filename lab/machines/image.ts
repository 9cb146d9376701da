import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

import { withLock } from "../workstation/lock";
import { run, type RunOptions, type RunResult } from "../workstation/run";
import { resolvConfFile } from "../network/resolver";
import { cacheFolder, checkout, namespacePath } from "../paths";
import { disabledTimers, imagePackages, offeredPackages } from "./packages";

const suite = "trixie";

/** Where packages come from: Debian's CDN, which answers from a mirror nearby. */
const sources = [
    `deb http://deb.debian.org/debian ${suite} main`,
    `deb http://deb.debian.org/debian ${suite}-updates main`,
    `deb http://deb.debian.org/debian-security ${suite}-security main`,
    // apt takes nothing from there unasked.
    `deb http://deb.debian.org/debian ${suite}-backports main`,
];

const recipe = join(checkout, "lab", "machines", "recipe");

const mmdebstrapArguments = [
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    `--include=${imagePackages.map((entry) => entry.name).join(",")}`,
    // No need to wait for the disk: an incomplete tree is never used.
    "--dpkgopt=force-unsafe-io",
    '--aptopt=Acquire::Retries "3"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
];

/** A build ends with the process that started it, even a killed one, with all of the build's processes and mounts. */
const ownedProcess = [
    ...["setpriv", "--pdeathsig", "KILL", "--"],
    ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"],
];

const disabledUnits = [...imagePackages.flatMap((entry) => entry.disabledUnits ?? []), ...disabledTimers];

/** Different for each image: its folder in the cache is named after it. */
function imageKey(): string {
    const hash = createHash("sha256");
    hash.update(JSON.stringify([suite, sources, mmdebstrapArguments, disabledUnits, offeredPackages]));
    hash.update(readFileSync(join(recipe, "customize.sh")));
    return hash.digest("hex").slice(0, 12);
}

/** The folder of the image in the cache, with its tree in `rootfs`. It may not exist: see `ensureImage`. */
export function imageFolder(): string {
    return join(cacheFolder, `image-${imageKey()}`);
}

/**
 * Builds the base image unless the cache has it. That takes about a minute and needs the internet. An interrupted build is
 * repeated.
 *
 * @param progress called with each line of progress.
 * @returns the path of the image's root tree. Do not write there.
 */
export async function ensureImage(progress: (line: string) => void = () => undefined): Promise<string> {
    const folder = imageFolder();
    const rootfs = join(folder, "rootfs");
    if (existsSync(rootfs)) {
        return rootfs;
    }
    await withLock(
        join(cacheFolder, "image.lock"),
        async () => {
            if (!existsSync(rootfs)) {
                await buildImage(folder, progress);
            }
        },
        () => progress("waiting for another build of the base image"),
    );
    return rootfs;
}

async function buildImage(folder: string, progress: (line: string) => void): Promise<void> {
    for (const left of readdirSync(cacheFolder).filter((name) => name.startsWith("image-building-"))) {
        await run(["rm", "-rf", "--one-file-system", join(cacheFolder, left)]);
    }
    const building = join(cacheFolder, `image-building-${process.pid}`);
    mkdirSync(join(building, "scratch"), { recursive: true });
    progress(`building the base image (Debian ${suite}, ${imagePackages.length} packages), once`);
    const started = Date.now();
    await run(
        [
            ...ownedProcess,
            "mmdebstrap",
            ...mmdebstrapArguments,
            `--customize-hook=${join(recipe, "customize.sh")}`,
            suite,
            join(building, "rootfs"),
            ...sources,
        ],
        {
            env: {
                ...process.env,
                DISABLED_UNITS: disabledUnits.join(" "),
                OFFERED_PACKAGES: offeredPackages.join(" "),
                LC_ALL: "C.UTF-8",
            },
            onStderr: (text) => reportSteps(text, progress),
        },
    );
    chmodSync(join(building, "rootfs"), 0o755);
    // The build counts only under its final name.
    renameSync(building, folder);
    progress(`base image built in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** mmdebstrap writes steps as `I: downloading packages with apt...`; the rest is output of the packages. */
function reportSteps(text: string, progress: (line: string) => void): void {
    for (const [, step] of text.matchAll(/^I: (.+?)(?:\.\.\.)?$/gm)) {
        if (step !== undefined && !step.startsWith("running --")) {
            progress(`base image: ${step}`);
        }
    }
}

/** A part of the workstation's file system that a program of the image sees. */
export interface ImageBind {
    /** Absolute path on the workstation. */
    source: string;
    /** Absolute path in the image, made if it does not exist; the same as `source` when absent. */
    target?: string;
    /** Read-only unless true. */
    writable?: boolean;
}

interface ImageOptions {
    binds?: ImageBind[];
    /** Place in the lab (`client-ams3`, `studio`) with its network and names; the workstation's network when absent. */
    netns?: string;
    /** User of the image to run as, for example `liquidsoap`; root when absent. */
    user?: string;
    /** Working folder in the image; `/` when absent. */
    cwd?: string;
    /** Added to a minimal environment (PATH, HOME=/tmp, LANG). */
    env?: Record<string, string>;
}

/**
 * The command that runs a program of the base image on a scratch copy of the image, with its own /proc, /dev, /tmp and
 * /run. What it writes outside of writable binds is lost at its end. The command becomes the program itself, so signals
 * reach it. The image must exist (`ensureImage`).
 */
export function imageCommand(argv: readonly string[], options: ImageOptions = {}): string[] {
    const folder = imageFolder();
    const names: ImageBind[] =
        options.netns === undefined ? [] : [{ source: resolvConfFile(), target: "/etc/resolv.conf" }];
    const environment = {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: "/tmp",
        LANG: "C.UTF-8",
        ...options.env,
    };
    return [
        ...(options.netns === undefined ? [] : ["nsenter", `--net=${namespacePath(options.netns)}`, "--"]),
        ...["unshare", "--mount", "--propagation", "private", "--", "env", "-i"],
        ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        join(recipe, "in-image.sh"),
        join(folder, "rootfs"),
        join(folder, "scratch"),
        options.user ?? "",
        options.cwd ?? "/",
        ...[...(options.binds ?? []), ...names].flatMap((bind) => [
            bind.writable ? "--bind" : "--bind-ro",
            bind.source,
            bind.target ?? bind.source,
        ]),
        "--",
        ...argv,
    ];
}

/** Runs a program of the base image to its end; see `imageCommand`. Builds the image if there is none. */
export async function inImage(
    argv: readonly string[],
    options: ImageOptions & Omit<RunOptions, "env" | "cwd"> = {},
): Promise<RunResult> {
    await ensureImage();
    // Folder and environment are those in the image.
    return run(imageCommand(argv, options), { ...options, env: undefined, cwd: undefined });
}
