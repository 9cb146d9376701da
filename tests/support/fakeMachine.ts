import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";

import { Server, utils } from "ssh2";

/** An SSH key of its own, as OpenSSH writes it. */
export function sshKey(): { privateKey: string; publicKey: string } {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    const parsed = utils.parseKey(pem);
    if (parsed instanceof Error) {
        throw parsed;
    }
    return { privateKey: pem, publicKey: `ssh-rsa ${parsed.getPublicSSH().toString("base64")}` };
}

/** What a command on the machine answers: its output, and its exit code. */
export type Reply = (command: string) => { out: string; code: number };

/** A machine's SSH server, real but for the commands. Only one key is let in. */
export class FakeMachine {
    readonly hostKey = sshKey();
    readonly commands: string[] = [];
    private readonly server: Server;

    constructor(allowed: { publicKey: string }, reply: Reply) {
        this.server = new Server({ hostKeys: [this.hostKey.privateKey] }, (client) => {
            client.on("error", () => {});
            client.on("authentication", (context) => {
                const isAllowed =
                    context.method === "publickey" &&
                    context.username === "aerial" &&
                    context.key.data.toString("base64") === allowed.publicKey.split(" ")[1];
                if (isAllowed) {
                    context.accept();
                } else {
                    context.reject(["publickey"]);
                }
            });
            client.on("session", (accept) => {
                accept().on("exec", (acceptCommand, _reject, { command }) => {
                    this.commands.push(command);
                    const { out, code } = reply(command);
                    const channel = acceptCommand();
                    // As of a machine that does not find its own name.
                    channel.stderr.write("sudo: unable to resolve host relay: Name or service not known\n");
                    (code === 0 ? channel : channel.stderr).write(out);
                    channel.exit(code);
                    channel.end();
                });
            });
        });
    }

    async start(): Promise<number> {
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
        return (this.server.address() as AddressInfo).port;
    }

    async stop(): Promise<void> {
        await new Promise<void>((resolve) => this.server.close(() => resolve()));
    }
}
