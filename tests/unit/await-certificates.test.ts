import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";

import { run, type RunResult } from "../../lab/workstation/run";
import { requestCertificate, selfSign, signRequest } from "../../lab/cloudless/tls/certificate";

/* What `pulumi up` waits for at its end, against real TLS servers on the loopback. */

const script = join(__dirname, "../../components/geoDns/await-certificates.mjs");
const hostname = "stream.radio.test";
const terms = {
    allowedUses: ["server_auth"],
    validityPeriodHours: 24,
    isCaCertificate: false,
    setSubjectKeyId: false,
};

interface Shown {
    key: string;
    cert: string;
}

let selfMade: Shown;
let issued: Shown;
let otherName: Shown;
const servers: Server[] = [];

function newKey(): string {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

beforeAll(async () => {
    const rootKey = newKey();
    const authority = {
        ...terms,
        isCaCertificate: true,
        allowedUses: ["cert_signing"],
        setAuthorityKeyId: true,
    };
    const root = await selfSign(rootKey, { commonName: "An authority" }, {}, authority);
    const issue = async (name: string): Promise<Shown> => {
        const key = newKey();
        const request = await requestCertificate(key, { commonName: name }, { dnsNames: [name] });
        return { key, cert: (await signRequest(request, root.certPem, rootKey, terms)).certPem };
    };
    const key = newKey();
    const own = { ...terms, setAuthorityKeyId: false };
    const made = await selfSign(key, { commonName: "self-made" }, { dnsNames: [hostname] }, own);
    selfMade = { key, cert: made.certPem };
    issued = await issue(hostname);
    otherName = await issue("somebody.else");
});

afterEach(() => {
    for (const server of servers.splice(0)) {
        server.close();
    }
});

async function serve(shown: Shown): Promise<Server> {
    const server = createServer(shown, (socket) => socket.end());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Runs the script for machines that listen at these ports, named in their order. */
function awaitThem(ports: number[], seconds: number): Promise<RunResult> {
    const machines = ports.map((port, n) => ({
        name: `relay-${n + 1}`,
        port,
        hostname,
    }));
    const addresses = ports.map((_, n) => [`AERIAL_ADDRESS_${n + 1}`, "127.0.0.1"]);
    const env = {
        ...process.env,
        ...Object.fromEntries(addresses),
        AERIAL_SERVERS: JSON.stringify(machines),
        AERIAL_WAIT_SECONDS: String(seconds),
        AERIAL_POLL_SECONDS: "0.1",
    };
    return run([process.execPath, script], { env, allow: "any" });
}

it("ends when every machine shows a certificate that an authority has issued for its name", async () => {
    const ports = [portOf(await serve(issued)), portOf(await serve(issued))];
    expect(await awaitThem(ports, 15)).toMatchObject({
        code: 0,
        stdout: "all 2 machines show the public certificate\n",
    });
});

it("waits while a machine shows a self-made certificate, and names the machine", async () => {
    const late = await serve(selfMade);
    const waiting = awaitThem([portOf(await serve(issued)), portOf(late)], 20);
    // Whoever connects once finds another certificate the next time.
    late.once("connection", () => late.setSecureContext(issued));
    const { code, stdout } = await waiting;
    expect(code).toBe(0);
    expect(stdout).toBe(
        "relay-2: still shows a self-made certificate\nall 2 machines show the public certificate\n",
    );
});

it("fails in the end, with each machine's reason and what to look at", async () => {
    const gone = await serve(issued);
    const goneAt = portOf(gone);
    await new Promise((resolve) => gone.close(resolve));
    const ports = [portOf(await serve(selfMade)), portOf(await serve(otherName)), goneAt];
    const { code, stderr } = await awaitThem(ports, 0.3);
    expect(code).toBe(1);
    expect(stderr).toContain("relay-1: still shows a self-made certificate");
    expect(stderr).toContain(`relay-2: shows a certificate for DNS:somebody.else, not for ${hostname}`);
    expect(stderr).toContain("relay-3: does not answer: ECONNREFUSED");
    expect(stderr).toMatch(/aerial-certificate status.*name servers at the registrar/s);
});
