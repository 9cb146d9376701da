import type { EngineEvent, OpType, StepEventMetadata } from "@pulumi/pulumi/automation";

/** How often to name the steps that are not finished, in ms. */
const reminderMs = 20_000;

const verbs: Partial<Record<OpType, { done: string; planned?: string }>> = {
    create: { done: "+ created", planned: "+ create" },
    "create-replacement": { done: "+ created new", planned: "+ create new" },
    update: { done: "~ changed", planned: "~ change" },
    delete: { done: "- removed", planned: "- remove" },
    "delete-replaced": { done: "- removed old", planned: "- remove old" },
    read: { done: "  read" },
};

function nameOf(urn: string): string {
    return urn.split("::").at(-1) ?? urn;
}

function kindOf(type: string): string {
    const [pkg = "", module = "", kind = ""] = type.split(":");
    return pkg === "command" ? `${module} command` : kind;
}

/** Lines that the engine writes about itself, of no use to people who run a station. */
const chatter = [
    /from \$PATH/,
    /^using pulumi-resource-/,
    /pending operation/i,
    // Follows from an earlier error: the engine writes it for everything that waited for the failed resource.
    /^(Unhandled exception: (\w+: )?)?error serializing property/,
];

/**
 * Writes one line for each resource that the engine has changed (the change, kind, name, and time it took), and errors
 * in full. Call `onEvent` with each event and `end` after the last.
 */
export class Progress {
    private readonly started = new Map<string, number>();
    private readonly timer: NodeJS.Timeout;
    private readonly complaints = new Set<string>();
    private lastLineAt = Date.now();

    constructor(
        private readonly write: (line: string) => void,
        private readonly previewing = false,
    ) {
        this.timer = setInterval(() => this.remind(), 1000);
        this.timer.unref();
    }

    readonly onEvent = (event: EngineEvent): void => {
        if (event.resourcePreEvent && isWork(event.resourcePreEvent.metadata)) {
            this.started.set(event.resourcePreEvent.metadata.urn, Date.now());
        }
        if (event.resOutputsEvent && isWork(event.resOutputsEvent.metadata)) {
            this.finished(event.resOutputsEvent.metadata);
        }
        if (event.resOpFailedEvent) {
            this.started.delete(event.resOpFailedEvent.metadata.urn);
        }
        const { diagnosticEvent } = event;
        if (
            diagnosticEvent &&
            (diagnosticEvent.severity === "error" || diagnosticEvent.severity === "warning")
        ) {
            this.complain(diagnosticEvent.urn, diagnosticEvent.message, diagnosticEvent.severity);
        }
        if (diagnosticEvent?.severity === "info") {
            this.tell(diagnosticEvent.urn, plainText(diagnosticEvent.message));
        }
    };

    end(): void {
        clearInterval(this.timer);
    }

    private finished({ urn, op, type, diffs }: StepEventMetadata): void {
        const verb = verbs[op]?.[this.previewing ? "planned" : "done"];
        const seconds = (Date.now() - (this.started.get(urn) ?? Date.now())) / 1000;
        this.started.delete(urn);
        if (verb !== undefined) {
            const because = diffs && diffs.length > 0 ? ` (${diffs.join(", ")})` : "";
            const duration = this.previewing ? "" : `  ${seconds.toFixed(1)} s`;
            this.line(`  ${verb.padEnd(15)} ${kindOf(type).padEnd(20)} ${nameOf(urn)}${because}${duration}`);
        }
    }

    /**
     * Shows messages about the whole station, and those of local commands while they wait. Messages of other resources
     * only announce what they do; the line after it is done is enough.
     */
    private tell(urn: string | undefined, text: string): void {
        if (!urn) {
            this.line(`  ${text}`);
        } else if (urn.includes("command:local:Command::")) {
            text.split("\n").forEach((line) => this.line(`  … ${nameOf(urn)}: ${line}`));
        }
    }

    private complain(urn: string | undefined, message: string, severity: "error" | "warning"): void {
        const text = plainText(message);
        // The engine writes the error that stopped the program twice.
        if (text === "" || this.complaints.has(text) || chatter.some((pattern) => pattern.test(text))) {
            return;
        }
        this.complaints.add(text);
        const subject = urn === undefined ? "" : ` ${nameOf(urn)}`;
        this.line(`${severity}${subject}: ${text}`);
    }

    private line(text: string): void {
        this.lastLineAt = Date.now();
        this.write(text);
    }

    private remind(): void {
        if (Date.now() - this.lastLineAt > reminderMs && this.started.size > 0) {
            const waiting = [...this.started].map(
                ([urn, since]) => `${nameOf(urn)} (${Math.round((Date.now() - since) / 1000)} s)`,
            );
            this.line(`  … still at work: ${waiting.join(", ")}`);
        }
    }
}

/** A message without the colour marks of the engine's own display, such as <{%reset%}>. */
export function plainText(message: string): string {
    return message.replace(/<\{%[^%]*%\}>/g, "").trim();
}

/** Whether a step changes something: not so for components and unchanged resources. */
export function isWork({ op, type, new: wanted, old }: StepEventMetadata): boolean {
    const custom = (wanted ?? old)?.custom ?? false;
    return custom && op !== "same" && op !== "refresh" && !type.startsWith("pulumi:");
}
