import { generateKeyPairSync } from "node:crypto";
import { createServer, type AddressInfo } from "node:net";

import { Server, utils, type Connection as ServerConnection } from "ssh2";

import { connection as connectionInputs, type Connection } from "../../lab/cloudless/command/inputs";
import { runRemotely, withSsh } from "../../lab/cloudless/command/ssh";
import { opensshKey } from "../../lab/cloudless/tls/openssh";

/* `command.remote` against an SSH server on the loopback. */

function newKey(): { privateFile: string; publicLine: string } {
    const key = opensshKey(generateKeyPairSync("ed25519").privateKey);
    if (!key) {
        throw new Error("no key");
    }
    return key;
}

const hostKey = newKey();
const clientKey = newKey();

/** A server that answers every command with what it got. */
function onConnection(client: ServerConnection): void {
    client.on("error", () => {});
    client.on("authentication", (attempt) => {
        const known = utils.parseKey(clientKey.publicLine);
        const wanted = known instanceof Error ? undefined : known.getPublicSSH();
        if (attempt.method === "publickey" && wanted?.equals(attempt.key.data)) {
            attempt.accept();
        } else {
            attempt.reject(["publickey"]);
        }
    });
    client.on("session", (accept) => {
        accept().on("exec", (acceptExec, _reject, { command }) => {
            const stream = acceptExec();
            let input = "";
            stream.on("data", (data: Buffer) => (input += data.toString()));
            stream.on("end", () => {
                stream.write(`${command}|${input}\n`);
                stream.stderr.write("noted\n");
                stream.exit(command === "fail" ? 3 : 0);
                stream.end();
            });
        });
    });
}

const server = new Server({ hostKeys: [hostKey.privateFile] }, onConnection);
let port = 0;

beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
});
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

function connectionTo(more: object): Connection {
    return connectionInputs.parse({
        host: "127.0.0.1",
        port,
        privateKey: clientKey.privateFile,
        hostKey: hostKey.publicLine,
        dialErrorLimit: 1,
        ...more,
    });
}

function run(
    connection: Connection,
    command: string,
    stdin?: string,
): Promise<{ stdout: string; stderr: string }> {
    return withSsh(
        connection,
        () => {},
        (client) => runRemotely(client, { command, stdin, environment: {}, onOutput: () => {} }),
    );
}

test("passes standard input, and returns both outputs without their last line break", async () => {
    const result = await run(connectionTo({}), "deliver", "a secret\n");
    expect(result).toEqual({ stdout: "deliver|a secret\n", stderr: "noted" });
});

test("fails with the exit code and what the command said", async () => {
    await expect(run(connectionTo({}), "fail")).rejects.toThrow(
        /^Process exited with status 3: running "fail":\nfail\|\n\n?noted/,
    );
});

test("refuses a machine that shows another key than the pinned one", async () => {
    const wrong = connectionTo({ hostKey: newKey().publicLine });
    await expect(run(wrong, "deliver", "a secret")).rejects.toThrow(/host key mismatch/);
});

test("is refused with a key that the machine does not know", async () => {
    await expect(run(connectionTo({ privateKey: newKey().privateFile }), "x")).rejects.toThrow(
        /after 1 failed/,
    );
});

test("tries again until the machine answers", async () => {
    const late = new Server({ hostKeys: [hostKey.privateFile] }, onConnection);
    // A port that is free, and will be taken only after some dials have failed.
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port: free } = probe.address() as AddressInfo;
    await new Promise<void>((resolve) => probe.close(() => resolve()));
    setTimeout(() => late.listen(free, "127.0.0.1"), 600);
    const failures: string[] = [];
    const connection = connectionTo({ port: free, dialErrorLimit: 10 });
    const result = await withSsh(
        connection,
        (message) => failures.push(message),
        (client) =>
            runRemotely(client, { command: "hello", stdin: undefined, environment: {}, onOutput: () => {} }),
    );
    expect(result.stdout).toContain("hello|");
    expect(failures.length).toBeGreaterThan(1);
    expect(failures[0]).toMatch(/^Dial 1\/10 failed: retrying/);
    await new Promise<void>((resolve) => late.close(() => resolve()));
});
