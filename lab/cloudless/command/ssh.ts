import { setTimeout as sleep } from "node:timers/promises";

import { Client, utils, type ConnectConfig, type ParsedKey } from "ssh2";

import type { Connection } from "./inputs";

/* SSH as pulumi-command does it: pinned host key, repeated dialling, output kept apart and together. */

const firstDelayMs = 100;
const delayGrowth = 1.5;
const maxDelayMs = 5000;

/** OpenSSH's RSA keys sign with SHA-2 nowadays, under names of their own. */
const signaturesOf = (type: string): string[] =>
    type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];

function pinned(hostKey: string): Pick<ConnectConfig, "hostVerifier" | "algorithms"> {
    const parsed = utils.parseKey(hostKey);
    if (parsed instanceof Error) {
        throw new Error(`failed to parse host key: ${parsed.message}`);
    }
    const key: ParsedKey = parsed;
    const wanted = key.getPublicSSH();
    const algorithms: ConnectConfig["algorithms"] = {};
    Object.assign(algorithms, { serverHostKey: signaturesOf(key.type) });
    return { algorithms, hostVerifier: (given: Buffer) => wanted.equals(given) };
}

function configOf({ host, port, user, privateKey, hostKey, perDialTimeout }: Connection): ConnectConfig {
    return {
        ...{ host, port, privateKey },
        username: user,
        readyTimeout: perDialTimeout * 1000,
        ...(hostKey === undefined ? {} : pinned(hostKey)),
    };
}

function dialOnce(config: ConnectConfig): Promise<Client> {
    return new Promise((resolve, reject) => {
        const client = new Client();
        client.once("ready", () => {
            client.removeAllListeners("error");
            client.on("error", () => {});
            resolve(client);
        });
        client.once("error", (error) => {
            client.end();
            const mismatch = error.message.includes("Host denied (verification failed)");
            reject(mismatch ? new Error("ssh: handshake failed: ssh: host key mismatch") : error);
        });
        client.connect(config);
    });
}

/** Tries again, ever more slowly, until it succeeds or has failed more often than `limit`. */
async function repeatedly<T>(
    limit: number,
    retrying: (message: string) => void,
    dial: () => Promise<T>,
): Promise<T> {
    let delayMs = firstDelayMs;
    for (let attempt = 0; ; attempt++) {
        try {
            return await dial();
        } catch (error) {
            const reason = error instanceof Error ? error.message : String(error);
            if (limit > -1 && attempt + 1 > limit) {
                throw new Error(`after ${attempt} failed attempts: ${reason}`, { cause: error });
            }
            retrying(`Dial ${attempt + 1}/${limit === -1 ? "inf" : limit} failed: retrying (${reason})`);
        }
        await sleep(delayMs);
        delayMs = Math.min(delayMs * delayGrowth, maxDelayMs);
    }
}

/**
 * Runs `body` with an SSH connection.
 *
 * @throws when the machine cannot be reached, its key is another than pinned, or it refuses ours.
 */
export async function withSsh<T>(
    connection: Connection,
    retrying: (message: string) => void,
    body: (client: Client) => Promise<T>,
): Promise<T> {
    const config = configOf(connection);
    const client = await repeatedly(connection.dialErrorLimit, retrying, () => dialOnce(config));
    try {
        return await body(client);
    } finally {
        client.end();
    }
}

export interface RemoteRun {
    command: string;
    stdin: string | undefined;
    environment: Record<string, string>;
    onOutput(stream: "stdout" | "stderr", text: string): void;
}

/** Runs a command and returns what it wrote, one trailing line break less. @throws when its exit code is not 0. */
export function runRemotely(client: Client, wanted: RemoteRun): Promise<{ stdout: string; stderr: string }> {
    return new Promise((resolve, reject) => {
        client.exec(wanted.command, { env: wanted.environment }, (error, channel) => {
            if (error) {
                reject(error);
                return;
            }
            const pieces = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
            const collect = (stream: "stdout" | "stderr") => (data: Buffer) => {
                pieces[stream].push(data);
                pieces.both.push(data);
                wanted.onOutput(stream, data.toString("utf8"));
            };
            channel.on("data", collect("stdout"));
            channel.stderr.on("data", collect("stderr"));
            let ended = "wait: remote command exited without exit status or exit signal";
            channel.on("exit", (code: number | null, signal?: string) => {
                const from = signal === undefined ? "" : ` from signal ${signal}`;
                ended = code === 0 ? "" : `Process exited with status ${code ?? "unknown"}${from}`;
            });
            channel.on("close", () => {
                const text = (list: Buffer[]): string => Buffer.concat(list).toString("utf8");
                if (ended !== "") {
                    const command = JSON.stringify(wanted.command);
                    reject(new Error(`${ended}: running ${command}:\n${text(pieces.both)}`));
                    return;
                }
                const [stdout, stderr] = [pieces.stdout, pieces.stderr].map((list) =>
                    text(list).replace(/\n$/, ""),
                );
                resolve({ stdout: stdout ?? "", stderr: stderr ?? "" });
            });
            // A command that does not read its input is no error.
            channel.on("error", () => {});
            channel.end(wanted.stdin ?? "");
        });
    });
}
