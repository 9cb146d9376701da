import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { awsRegions } from "../../../model/providerRegions";
import { apiRootFile, serverCertificate, type ServerCertificate } from "../../authority";
import { buildProgram } from "../../cloud/build";
import { writeAtomically } from "../../workstation/files";
import { withLock } from "../../workstation/lock";
import {
    serviceLog,
    serviceState,
    setServiceFrozen,
    startService,
    stopService,
} from "../../workstation/services";
import { ensureImage, imageCommand } from "../../machines/image";
import { sites } from "../../network/addresses";
import { ensureNetwork, inNetwork } from "../../network/network";
import { cacheFolder, checkout, labFolder, labPath } from "../../paths";
import { operatorKeys } from "../keys";
import { isHealthy } from "./client";
import { socketFolder, storagePath, usedRegions } from "./files";
import { frontConfiguration, frontSocket, globalDomain, globalRegion, globalSocket } from "./front";

/*
 * S3 in the lab: versitygw in a place of its own, under Amazon's names and with certificates that machines trust. A
 * server for each region that has buckets, since a signature holds the region; versitygw's IAM beside them, and before it
 * one that knows instances too (roles.ts), which they ask who may what; and a front at the one address, which hands a
 * connection on by the name it asks for. Versions,
 * object locks and policies are enforced by the servers themselves.
 */

const place = "s3";
const [front, iam, roles] = ["s3", "s3-iam", "s3-roles"];

/** Where S3's servers ask who may what, and where that asks about users. */
const [rolesSocket, usersSocket] = ["private.sock", "users.sock"];

/** A server of a region. It knows one domain only, below which a host name begins with the bucket's. */
interface Gateway {
    service: string;
    socket: string;
    region: string;
    domain: string;
}

function gatewaysOf(region: string): Gateway[] {
    const own = {
        service: `s3-${region}`,
        socket: `${region}.sock`,
        region,
        domain: `s3.${region}.amazonaws.com`,
    };
    const old = { service: "s3-global", socket: globalSocket, region, domain: globalDomain };
    return region === globalRegion ? [own, old] : [own];
}

/**
 * Starts what of S3 does not run, and lets it go on where it is frozen. Servers that run are left alone.
 *
 * @param regions have buckets, or will; besides those that had some before.
 * @throws when versitygw is not in the cache, or does not answer within 20 s.
 */
export async function ensureStorage(...regions: string[]): Promise<void> {
    await ensureImage();
    await ensureNetwork();
    await withLock(labPath("locks", "storage"), async () => {
        mkdirSync(socketFolder(), { recursive: true, mode: 0o700 });
        mkdirSync(storagePath("iam"), { recursive: true, mode: 0o700 });
        for (const region of regions) {
            makeRegion(region);
        }
        const certificate = await serverCertificate(place, { dnsNames: serverNames() });
        await ensureServer(iam, iamCommand(), "iam.sock", "");
        await ensureRoles();
        await Promise.all(
            usedRegions()
                .flatMap(gatewaysOf)
                .map((gateway) =>
                    ensureServer(
                        gateway.service,
                        gatewayCommand(gateway, certificate),
                        gateway.socket,
                        gateway.domain,
                    ),
                ),
        );
        await ensureFront();
    });
}

/** Starts what does not run of an S3 that has had buckets; one that has not begins with its first. */
export async function resumeStorage(): Promise<void> {
    if (usedRegions().length > 0) {
        await ensureStorage();
    }
}

/** Takes S3 away: connections are refused, and those that are open break. What it holds stays. */
export async function stopStorage(): Promise<void> {
    await withLock(labPath("locks", "storage"), async () => {
        await Promise.all(services().map((name) => stopService(name)));
    });
}

/** Makes S3 stand still: connections are taken, and nothing is answered; `false` lets it go on. */
export async function setStorageFrozen(frozen: boolean): Promise<void> {
    for (const name of services().filter((one) => serviceState(one) !== "off")) {
        await setServiceFrozen(name, frozen);
    }
}

/** How a test's client gets at everything: as the account's root. `caFile` is for places that do not trust the lab. */
export function s3Root(region: string): {
    accessKeyId: string;
    secretAccessKey: string;
    region: string;
    endpoint: string;
    caFile: string;
} {
    const { id, secret } = operatorKeys();
    return {
        ...{ accessKeyId: id, secretAccessKey: secret },
        region,
        endpoint: `https://s3.${region}.amazonaws.com`,
        caFile: apiRootFile,
    };
}

function services(): string[] {
    const gateways = usedRegions().flatMap(gatewaysOf);
    return [front, ...gateways.map(({ service }) => service), roles, iam];
}

function makeRegion(region: string): void {
    if (!(region in awsRegions)) {
        throw new Error(`the lab's S3 knows no region ${JSON.stringify(region)}`);
    }
    for (const kind of ["buckets", "versions"]) {
        mkdirSync(storagePath(kind, region), { recursive: true, mode: 0o700 });
    }
}

function serverNames(): string[] {
    const domains = Object.keys(awsRegions).map((region) => `s3.${region}.amazonaws.com`);
    return [...domains, globalDomain].flatMap((domain) => [domain, `*.${domain}`]);
}

/** Where `tools/setup storage` leaves it. */
function versitygw(): string {
    const pinned = /versitygw (v[\d.]+)/.exec(
        readFileSync(join(checkout, "tools/versitygw/go.mod"), "utf8").replace(/^module .*/, ""),
    );
    const program = join(cacheFolder, `versitygw-${pinned?.[1] ?? ""}`, "bin", "versitygw");
    if (!existsSync(program)) {
        throw new Error(`there is no ${program}; get it by: tools/setup storage`);
    }
    return program;
}

/** Sockets by relative paths: a socket's path has at most 107 bytes, which a checkout may exceed. */
function iamCommand(): string[] {
    const sockets = ["--port", "sockets/iam.sock", "--health", "/healthz", "--quiet"];
    const folders = ["--dir", storagePath("iam"), "--private-ports", `sockets/${usersSocket}`];
    return [versitygw(), ...sockets, "iam", ...folders];
}

function gatewayCommand(
    { socket, region, domain }: Gateway,
    { certificate, key }: ServerCertificate,
): string[] {
    // It changes to the folder of its buckets.
    const sockets = "../../sockets";
    return [
        ...[versitygw(), "--port", `${sockets}/${socket}`, "--cert", certificate, "--key", key],
        ...["--health", "/healthz", "--region", region, "--virtual-domain", domain],
        ...["--iam-standalone-endpoint", `${sockets}/${rolesSocket}`],
        ...["posix", "--dir-perms", "0700", "--file-perms", "0600"],
        ...["--versioning-dir", storagePath("versions", region), storagePath("buckets", region)],
    ];
}

async function ensureServer(
    name: string,
    argv: readonly string[],
    socket: string,
    host: string,
): Promise<void> {
    await ensureService(name, argv.join("\n"), async () => {
        const { id, secret } = operatorKeys();
        const env = { PATH: process.env.PATH, ROOT_ACCESS_KEY_ID: id, ROOT_SECRET_ACCESS_KEY: secret };
        await startService(name, inNetwork(place, argv), { cwd: storagePath(), env });
        await untilHealthy(name, socket, host);
    });
}

async function ensureRoles(): Promise<void> {
    const sockets = [rolesSocket, usersSocket].map((socket) => `sockets/${socket}`);
    await ensureService(roles, sockets.join("\n"), async () => {
        const script = await buildProgram("s3-roles", "../amazon/storage/rolesDaemon");
        const env = { PATH: process.env.PATH, AERIAL_LAB: labFolder };
        const argv = inNetwork(place, [process.execPath, script, ...sockets]);
        await startService(roles, argv, { cwd: storagePath(), env });
        await untilHealthy(roles, rolesSocket, "");
    });
}

async function ensureFront(): Promise<void> {
    const config = frontConfiguration(sites.s3 ?? "");
    await ensureService(front, config, async () => {
        writeAtomically(storagePath("front.conf"), config, 0o644);
        // A killed one leaves it, and none starts where it is.
        rmSync(join(socketFolder(), frontSocket), { force: true });
        const binds = [
            { source: storagePath("front.conf"), target: "/front.conf" },
            { source: socketFolder(), target: "/sockets", writable: true },
        ];
        await startService(front, imageCommand(["nginx", "-c", "/front.conf"], { netns: place, binds }));
        const [region] = usedRegions();
        if (region !== undefined) {
            await untilHealthy(front, frontSocket, `s3.${region}.amazonaws.com`);
        }
    });
}

/** Starts a service unless it runs as wanted. */
async function ensureService(name: string, wanted: string, start: () => Promise<void>): Promise<void> {
    const record = storagePath("started", name);
    const state = serviceState(name);
    if (state === "frozen") {
        await setServiceFrozen(name, false);
    }
    if (state !== "off" && existsSync(record) && readFileSync(record, "utf8") === wanted) {
        return;
    }
    rmSync(record, { force: true });
    await stopService(name);
    await start();
    // Last: a start that was interrupted is made again.
    writeAtomically(record, wanted);
}

async function untilHealthy(name: string, socket: string, host: string): Promise<void> {
    const started = Date.now();
    while (!(await isHealthy(socket, host))) {
        const waited = Date.now() - started;
        // A process that has just been started takes a moment to enter its cgroup.
        if (waited > 20_000 || (waited > 1000 && serviceState(name) === "off")) {
            const said = readFileSync(serviceLog(name), "utf8").trim().split("\n").slice(-10).join("\n");
            throw new Error(`the lab's S3 does not start (${serviceLog(name)}):\n${said}`);
        }
        await sleep(50);
    }
}
