import "./ownLab";

import { spawn } from "node:child_process";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { renderCloudConfig, userDataLimitBytes } from "../../components/machine/cloudConfig";
import { deliveryText } from "../../components/machine/delivery";
import type { MachineRole } from "../../components/machine/role";
import { renderMaster } from "../../components/master/render";
import { ensureAcme, issuingRoots } from "../../lab/acme";
import { removeLab } from "../../lab/machines/removeLab";
import { serviceLog, startService } from "../../lab/workstation/services";
import { waitFor } from "../../lab/workstation/wait";
import { ensureImage, inImage, imageCommand, type ImageBind } from "../../lab/machines/image";
import { createMachine, execInMachine, killMachine } from "../../lab/machines/machines";
import { sites } from "../../lab/network/addresses";
import { ensureNetwork, inNamespace } from "../../lab/network/network";
import { labPath } from "../../lab/paths";
import { requestCertificate, selfSign, signRequest, type Terms } from "../../lab/cloudless/tls/certificate";
import { opensshKey } from "../../lab/cloudless/tls/openssh";
import type { PlainSecrets } from "../support/delivered";
import { masterPlan } from "../support/masterPlan";

const a = { id: "2001", name: "master-a", region: "ams3", publicAddress: "198.18.0.10" };
const b = { id: "2002", name: "master-b", region: "nyc3", publicAddress: "198.18.112.10" };
const dns = sites.studio ?? "";
const namesFile = () => labPath("names.json");
/** The first leads to Master b, who does not issue while there is a. */
const publicNames = ["stream.radio.test", "ingest.radio.test"];
const [studioPassword, linkPassword] = ["studio-secret", "link-secret"];

interface Status {
    names?: string[];
    notBefore?: string;
    notAfter?: string;
    issuer?: string;
    sha256?: string;
    source: string;
    missing: string[];
    unanswered?: Record<string, string>;
}

function answerNames(names: Record<string, string[]>): void {
    writeFileSync(namesFile(), JSON.stringify({ "acme.test": [sites.acme], ...names }));
}

function key(): string {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

const terms: Terms = {
    allowedUses: ["digital_signature", "server_auth"],
    validityPeriodHours: 24,
    isCaCertificate: false,
    setSubjectKeyId: true,
};

/** What Pulumi would deliver to each of the Masters. */
async function stationSecrets(): Promise<Record<string, PlainSecrets>> {
    const caKey = key();
    const ca = await selfSign(
        caKey,
        { commonName: "station" },
        {},
        { ...terms, allowedUses: ["cert_signing"], isCaCertificate: true, setAuthorityKeyId: true },
    );
    const secrets: Record<string, PlainSecrets> = {};
    for (const { name } of [a, b]) {
        const tlsKey = key();
        const request = await requestCertificate(tlsKey, { commonName: name }, { dnsNames: [name] });
        const { certPem } = await signRequest(request, ca.certPem, caKey, terms);
        secrets[name] = {
            values: {
                "relay.link": `relay-1:${linkPassword}`,
                "relay.link.1": linkPassword,
                "source.main.studio": studioPassword,
            },
            files: { "ca.pem": ca.certPem, "tls.pem": certPem, "tls.key": tlsKey },
        };
    }
    return secrets;
}

function userData({ name }: typeof a): string {
    const enrolKey = opensshKey(
        createPrivateKey(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })),
    );
    return renderCloudConfig(
        { hostname: name, deployKey: "", enrolHostKey: enrolKey?.privateFile ?? "" },
        userDataLimitBytes.digitalOcean,
    );
}

async function deliver(
    { id, name }: typeof a,
    role: MachineRole,
    secrets: Record<string, PlainSecrets>,
): Promise<void> {
    const given = secrets[name] ?? { values: {}, files: {} };
    // It comes with the user data.
    const receive = ["sh", "-c", "cloud-init status --wait >/dev/null; exec aerial-receive"];
    await execInMachine(id, receive, {
        stdin: deliveryText({ role, readySeconds: 60 }, JSON.stringify(given)),
        timeoutSeconds: 120,
    });
}

/** A Master as stations have it, but that no channel plays: that would be three minutes of processor time. */
function roleOf(self: typeof a, rank: number, peer: typeof a): MachineRole {
    const [main] = masterPlan().channels;
    const role = renderMaster(
        masterPlan({
            id: self.name.slice(-1),
            rank,
            publicNames,
            linkGenerations: [1],
            channels: main ? [main] : [],
            sources: [{ name: "studio", title: "Studio" }],
            peers: [{ id: peer.name.slice(-1), host: peer.publicAddress, port: 8443, tlsName: peer.name }],
        }),
    );
    // Without a channel it would not pass its own.
    const check = { path: "/usr/local/lib/aerial/check", content: "#!/bin/sh\n", mode: "0755" };
    return {
        ...role,
        units: role.units.filter((unit) => !/announcement|radio/.test(unit)),
        files: [
            ...role.files.filter(({ path }) => path !== check.path),
            check,
            { path: "/etc/resolv.conf", content: `nameserver ${dns}\n`, mode: "0644" },
        ],
    };
}

async function statusOf(machine: typeof a): Promise<Status> {
    const { stdout } = await execInMachine(machine.id, ["/usr/local/sbin/aerial-certificate", "status"]);
    return JSON.parse(stdout) as Status;
}

/** Waits until a Master's status is as wanted. */
async function until(
    machine: typeof a,
    wanted: (status: Status) => boolean,
    seconds: number,
): Promise<Status> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
        const status = await statusOf(machine);
        if (wanted(status)) {
            return status;
        }
        if (Date.now() > deadline) {
            const { stdout } = await execInMachine(machine.id, [
                "journalctl",
                "-b",
                "-n",
                "40",
                "-u",
                "aerial-*",
            ]);
            throw new Error(`${machine.name} after ${seconds} s: ${JSON.stringify(status)}\n${stdout}`);
        }
        await sleep(300);
    }
}

/** What the timer does, now. */
async function look(machine: typeof a): Promise<void> {
    await execInMachine(machine.id, ["systemctl", "start", "aerial-certificate.service"], {
        timeoutSeconds: 120,
    });
}

const roots = (): ImageBind[] => [{ source: issuingRoots, target: "/roots.pem" }];

/** What a client sees at a Master's port 443; the last line is `Verify return code: …`. */
async function shown(machine: typeof a, ...options: string[]): Promise<string> {
    const { stdout, stderr } = await inImage(
        [
            ...[
                "openssl",
                "s_client",
                "-connect",
                `${machine.publicAddress}:443`,
                "-servername",
                "ingest.radio.test",
            ],
            ...[
                "-verify_hostname",
                "ingest.radio.test",
                "-CAfile",
                "/roots.pem",
                "-no-CApath",
                "-no-CAstore",
                ...options,
            ],
        ],
        { netns: "client-ams3", binds: roots(), allow: "any", timeoutSeconds: 120 },
    );
    return stdout + stderr;
}

async function served(machine: typeof a): Promise<string> {
    const { stdout } = await inImage(["openssl", "x509", "-noout", "-fingerprint", "-sha256"], {
        stdin: await shown(machine),
    });
    return stdout.replace(/^.*=/, "").replace(/[:\s]/g, "").toLowerCase();
}

jest.setTimeout(90_000);

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot("the public certificate", () => {
    let secrets: Record<string, PlainSecrets>;

    beforeAll(async () => {
        await removeLab();
        await ensureImage();
        await ensureNetwork();
        mkdirSync(labPath(), { recursive: true });
        answerNames({});
        await startService(
            "names",
            inNamespace("studio", ["/usr/bin/python3", join(__dirname, "names.py"), dns, namesFile()]),
        );
        await ensureAcme({ dnsServer: `${dns}:53` });
        secrets = await stationSecrets();
        await Promise.all([
            createMachine({ ...a, userData: userData(a) }),
            createMachine({ ...b, userData: userData(b) }),
        ]);
        await Promise.all([deliver(a, roleOf(a, 0, b), secrets), deliver(b, roleOf(b, 1, a), secrets)]);
    });

    afterAll(async () => {
        await removeLab();
    });

    it("is a self-made one while names lead nowhere, and the authority is left alone", async () => {
        const status = await until(a, ({ unanswered }) => unanswered !== undefined, 20);
        expect(status.source).toBe("self-made");
        expect(Object.keys(status.unanswered ?? {})).toEqual(publicNames);
        expect(await shown(a)).toContain("CN=self-made");
        expect(readFileSync(serviceLog("acme"), "utf8")).not.toContain("/sign-me-up");
    });

    it("is issued to Master a once the names lead to Masters, whichever, and taken over by b", async () => {
        answerNames({
            "stream.radio.test": [b.publicAddress],
            "ingest.radio.test": [a.publicAddress],
        });
        const started = Date.now();
        const ofA = await until(a, ({ source }) => source === "issued here", 40);
        const ofB = await until(b, ({ source }) => source === "of master-a", 40);
        console.log(`issued and shared after ${((Date.now() - started) / 1000).toFixed(1)} s`);
        expect(ofA.names?.toSorted()).toEqual(publicNames.toSorted());
        expect(ofB.sha256).toBe(ofA.sha256);
        expect([await served(a), await served(b)]).toEqual([ofA.sha256, ofA.sha256]);
    });

    it("is shown by TLS 1.2 and 1.3 only, with a P-256 key and its chain", async () => {
        for (const version of ["-tls1_2", "-tls1_3"]) {
            const seen = await shown(a, version);
            expect(seen).toContain("Verify return code: 0 (ok)");
            expect(seen).toMatch(/Server public key is 256 bit|a:PKEY: EC, \(prime256v1\)/);
        }
        for (const version of ["-tls1", "-tls1_1"]) {
            const seen = await shown(a, version, "-cipher", "DEFAULT@SECLEVEL=0");
            expect(seen).toMatch(/alert protocol version|unsupported protocol/);
        }
    });

    it("is handed to who knows the link's password", async () => {
        const code = async (password: string) => {
            const argv = [
                ...[
                    "curl",
                    "-sS",
                    "-o",
                    "/dev/null",
                    "-w",
                    "%{http_code}",
                    "--cacert",
                    "/etc/aerial/tls/ca.pem",
                ],
                ...["--connect-to", `${a.name}:8444:${a.publicAddress}:8444`, "-u", `relay-1:${password}`],
                `https://${a.name}:8444/certificate.pem`,
            ];
            return (await execInMachine(b.id, argv)).stdout;
        };
        expect([await code(linkPassword), await code("wrong")]).toEqual(["200", "401"]);
    });

    it("is renewed on both when told to, and an encoder that is connected by it stays", async () => {
        const before = await statusOf(a);
        const [program = "", ...args] = imageCommand(
            [
                ...[
                    "sh",
                    "-c",
                    'head -c 20000000 /dev/zero >/tmp/audio; exec curl "$@"',
                    "sh",
                    "-sS",
                    "--cacert",
                ],
                ...["/roots.pem", "--limit-rate", "24k", "-u", `studio:${studioPassword}`, "-H", "Expect:"],
                ...["-H", "Content-Type: audio/mpeg", "-T", "/tmp/audio", "--resolve"],
                ...[`ingest.radio.test:443:${a.publicAddress}`, "https://ingest.radio.test/main-studio"],
            ],
            { netns: "client-ams3", binds: roots() },
        );
        const encoder = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
        let ended: string | undefined;
        encoder.stderr.on("data", (text: Buffer) => (ended = text.toString("utf8")));
        encoder.on("close", (code) => (ended ??= `exit code ${code}`));
        const takesIt = async (): Promise<number> => {
            const { stdout } = await execInMachine(a.id, ["journalctl", "-u", "aerial-icecast", "-o", "cat"]);
            return stdout.match(/source logging in at mountpoint "\/main-studio"/gi)?.length ?? 0;
        };
        await waitFor(async () => (await takesIt()) === 1, {
            limitMs: 30_000,
            everyMs: 250,
            complaint: () => `the encoder has no connection: ${ended}`,
        });

        await execInMachine(a.id, ["/usr/local/sbin/aerial-certificate", "renew"], { timeoutSeconds: 120 });
        await look(b);
        const after = await statusOf(a);
        expect(after.sha256).not.toBe(before.sha256);
        expect(await statusOf(b)).toMatchObject({ sha256: after.sha256, source: "of master-a" });
        expect([await served(a), await served(b)]).toEqual([after.sha256, after.sha256]);

        await sleep(2000);
        expect(ended).toBeUndefined();
        expect(await takesIt()).toBe(1);
        encoder.kill("SIGKILL");
    });

    it("is renewed by b, of an authority that has forgotten it, when a is gone and a quarter is left", async () => {
        await killMachine(a.id);
        answerNames(Object.fromEntries(publicNames.map((name) => [name, [b.publicAddress]])));
        await ensureAcme({ dnsServer: `${dns}:53`, certificateSeconds: 24 });
        await execInMachine(b.id, ["/usr/local/sbin/aerial-certificate", "renew"], { timeoutSeconds: 120 });
        const first = await statusOf(b);
        expect(first.source).toBe("issued here");
        await look(b);
        expect((await statusOf(b)).sha256).toBe(first.sha256);
        // It first asks Master a for 3 s, in vain.
        await sleep(Date.parse(first.notBefore ?? "") + 17_000 - Date.now());
        await look(b);
        const second = await statusOf(b);
        expect(second.sha256).not.toBe(first.sha256);
        expect(await served(b)).toBe(second.sha256);
    });
});
