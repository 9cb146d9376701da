import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { apiRootFile, issuingRootsFile, serverCertificate, type ServerCertificate } from "../authority";
import { writeAtomically } from "../workstation/files";
import { withLock } from "../workstation/lock";
import { run, type RunResult } from "../workstation/run";
import { serviceLog, serviceState, startService, stopService } from "../workstation/services";
import { waitFor } from "../workstation/wait";
import { imageCommand } from "../machines/image";
import { resolverAddress, sites } from "../network/addresses";
import { ensureNetwork, inNamespace } from "../network/network";
import { cacheFolder, checkout, labPath } from "../paths";

/*
 * The outside world's certificate authority: Pebble, at a place of its own. Machines trust its API, and the issuing roots that
 * there are when they are made; listeners trust `issuingRoots`.
 */

const service = "acme";
const address = sites.acme ?? "";
const hostName = "acme.test";

/** File with all issuing roots so far, for listeners: Pebble makes a new one at each start. */
export const issuingRoots = issuingRootsFile;

interface AcmeOptions {
    /** How long certificates are valid; 90 days unless given, as Let's Encrypt's. */
    certificateSeconds?: number;
    /** Address and port of the DNS server that it asks; the lab's unless given. */
    dnsServer?: string;
}

/**
 * Starts the certificate authority, unless it runs with these options. A start loses the accounts, which clients then make
 * again, and makes a new root; `issuingRoots` keeps the old one too.
 *
 * @throws when Pebble is not in the cache, or does not answer within 15 s.
 */
export async function ensureAcme(options: AcmeOptions = {}): Promise<void> {
    await ensureNetwork();
    await withLock(labPath("locks", "acme"), async () => {
        const api = await serverCertificate(service, { dnsNames: [hostName], ipAddresses: [address] });
        const config = configuration(options.certificateSeconds ?? 90 * 86_400, api);
        const argv = inNamespace(service, [
            ...["env", "-i", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0"],
            ...[pebble(), "-config", file("config.json")],
            ...["-dnsserver", options.dnsServer ?? `${resolverAddress}:53`],
        ]);
        const wanted = `${config}\n${argv.join(" ")}\n`;
        if (serviceState(service) === "running" && existsSync(issuingRoots) && wanted === started()) {
            return;
        }
        await stopService(service);
        writeAtomically(file("config.json"), config);
        await startService(service, argv);
        await keepIssuingRoot();
        writeAtomically(file("started"), wanted);
    });
}

function file(name: string): string {
    return labPath("acme", name);
}

function started(): string | undefined {
    return existsSync(file("started")) ? readFileSync(file("started"), "utf8") : undefined;
}

function configuration(certificateSeconds: number, api: ServerCertificate): string {
    const pebble = {
        listenAddress: `${address}:14000`,
        managementListenAddress: `${address}:15000`,
        certificate: api.certificate,
        privateKey: api.key,
        // The ports for challenges: the real ones.
        httpPort: 80,
        tlsPort: 443,
        ocspResponderURL: "",
        externalAccountBindingRequired: false,
        // In seconds: how long clients wait before they ask again.
        retryAfter: { authz: 1, order: 1 },
        keyAlgorithm: "ecdsa",
        profiles: { default: { description: "The only one", validityPeriod: certificateSeconds } },
    };
    return `${JSON.stringify({ pebble }, null, 2)}\n`;
}

/** The program that `tools/setup acme` has built. */
function pebble(): string {
    const pinned = /pebble\/v2 (v[\d.]+)/.exec(readFileSync(join(checkout, "tools/pebble/go.mod"), "utf8"));
    const program = join(cacheFolder, `pebble-${pinned?.[1] ?? ""}`, "bin", "pebble");
    if (!existsSync(program)) {
        throw new Error(`there is no ${program}; get it by: tools/setup acme`);
    }
    return program;
}

/** Waits until the authority answers, and adds its issuing root to those that listeners trust. */
async function keepIssuingRoot(): Promise<void> {
    let answer: RunResult | undefined;
    await waitFor(async () => (answer = await askForRoot()).code === 0, {
        limitMs: 15_000,
        everyMs: 100,
        complaint: () =>
            `the lab's certificate authority does not answer (${serviceLog(service)}): ${answer?.stderr}`,
    });
    const before = existsSync(issuingRoots) ? readFileSync(issuingRoots, "utf8") : "";
    const root = `${answer?.stdout.trim()}\n`;
    if (!before.includes(root)) {
        writeAtomically(issuingRoots, root + before, 0o644);
    }
}

function askForRoot(): Promise<RunResult> {
    const argv = ["curl", "-sS", "-m", "2", "--cacert", "/ca.pem", `https://${address}:15000/roots/0`];
    const binds = [{ source: apiRootFile, target: "/ca.pem" }];
    return run(imageCommand(argv, { netns: service, binds }), { allow: "any" });
}
