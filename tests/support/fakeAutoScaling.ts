import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What a group looks like at one moment, to whoever asks. */
export interface GroupState {
    machines: { id: string; state: string; health: string; version: number }[];
    refresh?: { status: string; reason?: string; startTime: string };
    activities?: { status: string; message: string; startTime: string }[];
    report?: { value: string; version: number; modified: string };
}

/** Auto Scaling and parameters, as far as `await-refresh` asks them, by the SDK's own protocols. */
export class FakeAutoScaling {
    /** Changes that were asked for. */
    public readonly asked: string[] = [];
    private readonly server: Server;
    private looks = 0;

    /** @param states one for each look at the group; the last one stays. */
    constructor(
        private readonly states: GroupState[],
        private readonly refuseUpdates = false,
    ) {
        this.server = createServer((request, response) => {
            let body = "";
            request.on("data", (chunk: Buffer) => (body += chunk.toString()));
            request.on("end", () => {
                if (request.headers["x-amz-target"] === "AmazonSSM.GetParameter") {
                    response.setHeader("Content-Type", "application/x-amz-json-1.1");
                    response.end(JSON.stringify({ Parameter: this.report() }));
                    return;
                }
                const form = new URLSearchParams(body);
                const action = form.get("Action") ?? "";
                const result = this.answer(action, form);
                response.statusCode = result === undefined ? 400 : 200;
                response.setHeader("Content-Type", "text/xml");
                response.end(
                    result === undefined
                        ? `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>no ${action} here</Message></Error></ErrorResponse>`
                        : `<${action}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><${action}Result>${result}</${action}Result></${action}Response>`,
                );
            });
        });
    }

    public async start(): Promise<string> {
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    public async stop(): Promise<void> {
        this.server.closeAllConnections();
        await new Promise((resolve) => this.server.close(resolve));
    }

    private get now(): GroupState {
        return this.states[Math.min(this.looks, this.states.length) - 1] ?? this.states[0]!;
    }

    private report(): object {
        const { report } = this.now;
        const created = { value: "nothing yet", version: 1, modified: "2026-01-01T00:00:00Z" };
        const { value, version, modified } = report ?? created;
        return { Name: "/r", Value: value, Version: version, LastModifiedDate: Date.parse(modified) / 1000 };
    }

    private answer(action: string, body: URLSearchParams): string | undefined {
        switch (action) {
            case "DescribeAutoScalingGroups":
                this.looks += 1;
                return list("AutoScalingGroups", [this.group()]);
            case "DescribeInstanceRefreshes":
                return list("InstanceRefreshes", this.now.refresh ? [this.refresh(this.now.refresh)] : []);
            case "DescribeScalingActivities":
                return list(
                    "Activities",
                    (this.now.activities ?? []).map(({ status, message, startTime }) =>
                        tags({ StatusCode: status, StatusMessage: message, StartTime: startTime }),
                    ),
                );
            case "CancelInstanceRefresh":
                this.asked.push(action);
                return tags({ InstanceRefreshId: "1" });
            case "UpdateAutoScalingGroup":
                this.asked.push(`${action} ${body.get("LaunchTemplate.Version")}`);
                return this.refuseUpdates ? undefined : "";
            default:
                return undefined;
        }
    }

    private group(): string {
        const machines = this.now.machines.map(
            ({ id, state, health, version }) =>
                tags({ InstanceId: id, LifecycleState: state, HealthStatus: health }) +
                `<LaunchTemplate>${tags({ LaunchTemplateId: "lt-1", Version: String(version) })}</LaunchTemplate>`,
        );
        return (
            tags({ AutoScalingGroupName: "g", CreatedTime: "2026-06-01T00:00:00Z" }) +
            `<LaunchTemplate>${tags({ LaunchTemplateId: "lt-1", Version: "2" })}</LaunchTemplate>` +
            list("Instances", machines)
        );
    }

    private refresh({ status, reason, startTime }: NonNullable<GroupState["refresh"]>): string {
        return tags({
            ...{ InstanceRefreshId: "1", Status: status, StartTime: startTime, PercentageComplete: "0" },
            ...(reason !== undefined && { StatusReason: reason }),
        });
    }
}

function tags(values: Record<string, string>): string {
    return Object.entries(values)
        .map(([name, value]) => `<${name}>${value}</${name}>`)
        .join("");
}

function list(name: string, members: string[]): string {
    return `<${name}>${members.map((member) => `<member>${member}</member>`).join("")}</${name}>`;
}
