import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { apiRootFile } from "../../../lab/authority";
import { operatorKeys } from "../../../lab/amazon/keys";
import { stackOutputs } from "../../../lab/engine/outputs";
import { run } from "../../../lab/workstation/run";
import { execInMachine } from "../../../lab/machines/machines";
import { clientAddress } from "../../../lab/network/addresses";
import { inNamespace, inNetwork } from "../../../lab/network/network";
import { machineNamespace } from "../../../lab/paths";
import { activities, groups, instances, targets, type InstanceRecord } from "../../../lab/amazon/records";

const outputs = z.object({
    canary: z.object({
        group: z.string(),
        region: z.string(),
        addresses: z.array(z.string()).min(2),
        report: z.string(),
    }),
});

/** What fetches a playlist has gone after this, in ms. */
const lastingMs = 600;

/** The canary and its group at Amazon, as an engineer with access to the account sees them. */
export class Amazon {
    static async open(): Promise<Amazon> {
        const { canary } = outputs.parse(await stackOutputs());
        return new Amazon(canary.group, canary.region, canary.addresses, canary.report);
    }

    private constructor(
        readonly group: string,
        readonly region: string,
        /** The balancer's, one in each zone. */
        readonly addresses: string[],
        /** Parameter in which a machine says why it did not get well. */
        readonly report: string,
    ) {}

    instances(): InstanceRecord[] {
        return instances.all().filter(({ group }) => group === this.group);
    }

    /** In service, and healthy at every port of the balancer. */
    serving(): InstanceRecord[] {
        return this.instances().filter(({ id, lifecycle }) => lifecycle === "InService" && isHealthy(id));
    }

    /** The launch template version that the group's next instance is made of. */
    get templateVersion(): string {
        return groups.get(this.group)?.templateVersion ?? "";
    }

    /** Waits for a number of instances that serve, with nobody else there who comes or goes. */
    async untilServing(count: number, patienceMs: number): Promise<InstanceRecord[]> {
        return this.until(`${count} instance(s) in service and no other`, patienceMs, () => {
            const serving = this.serving();
            return serving.length === count && this.instances().length === count ? serving : undefined;
        });
    }

    /** @throws after `patienceMs`, with the group as it is instead. */
    async until<T>(
        what: string,
        patienceMs: number,
        find: () => T | undefined | Promise<T | undefined>,
    ): Promise<T> {
        const deadline = Date.now() + patienceMs;
        for (;;) {
            const found = await find();
            if (found !== undefined) {
                return found;
            }
            if (Date.now() > deadline) {
                throw new Error(`${what}: not within ${patienceMs} ms: ${this.describe()}`);
            }
            await sleep(200);
        }
    }

    /** When the load asked for another size after `since`; undefined while it has not. */
    resizedAt(since: number): number | undefined {
        return activities
            .all()
            .filter(({ group, description }) => group === this.group && /desired capacity/.test(description))
            .map(({ startedAt }) => startedAt)
            .find((startedAt) => startedAt >= since);
    }

    /** How many listen to an instance: connections that last, unlike those that fetch a playlist. */
    async listenersAt(id: string, regions: readonly string[]): Promise<number> {
        const before = await this.connectionsAt(id, regions);
        await sleep(lastingMs);
        const now = await this.connectionsAt(id, regions);
        return now.filter((peer) => before.includes(peer)).length;
    }

    /** Who has a connection to an instance, from these regions: addresses with ports. */
    async connectionsAt(id: string, regions: readonly string[]): Promise<string[]> {
        const argv = inNetwork(machineNamespace(id), ["ss", "-Htn", "state", "established"]);
        const { stdout } = await run(argv, { allow: "any" });
        const places = regions.map((region) => clientAddress(region));
        const peers = stdout.split("\n").map((line) => line.trim().split(/\s+/)[3] ?? "");
        return peers.filter((peer) => places.some((place) => peer.startsWith(`${place}:`)));
    }

    /** Stores a parameter of somebody else's, by the operator's own rights. */
    async putParameter(name: string, value: string): Promise<void> {
        const script = `
            const { SSMClient, PutParameterCommand } = require("@aws-sdk/client-ssm");
            const [region, Name, Value] = process.argv.slice(1);
            new SSMClient({ region }).send(
                new PutParameterCommand({ Name, Value, Type: "SecureString", Overwrite: true }));`;
        const { id, secret } = operatorKeys();
        await run(inNamespace("operator", [process.execPath, "-e", script, this.region, name, value]), {
            env: {
                PATH: process.env.PATH,
                AWS_ACCESS_KEY_ID: id,
                AWS_SECRET_ACCESS_KEY: secret,
                NODE_EXTRA_CA_CERTS: apiRootFile,
            },
            timeoutSeconds: 20,
        });
    }

    private describe(): string {
        const told = this.instances().map(({ id, name, lifecycle, templateVersion, reason }) => {
            const states = targets
                .all()
                .filter(({ instanceId }) => instanceId === id)
                .map(({ state }) => state);
            return [name, id, `template ${templateVersion}`, lifecycle, ...states, reason ?? ""].join(" ");
        });
        return `${groups.get(this.group)?.desired} wanted; ${told.join("; ") || "no instance"}`;
    }
}

function isHealthy(id: string): boolean {
    const own = targets.all().filter(({ instanceId }) => instanceId === id);
    return own.length > 0 && own.every(({ state }) => state === "healthy");
}

/** What a shell on an instance says, as a user of it. */
export async function say(id: string, user: string, script: string, stdin = ""): Promise<string> {
    const become = ["setpriv", `--reuid=${user}`, "--regid=nogroup", "--clear-groups"];
    const argv = [...(user === "root" ? [] : become), "sh", "-c", script];
    const { stdout, stderr } = await execInMachine(id, argv, { allow: "any", stdin, timeoutSeconds: 30 });
    return (stdout + stderr).trim();
}
