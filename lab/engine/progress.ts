import type { EngineEvent, OpType, StepEventMetadata } from "@pulumi/pulumi/automation";

/** How often to name what is still under way, in ms. */
const reminderMs = 20_000;

const verbs: Partial<Record<OpType, string>> = {
    create: "+ created",
    "create-replacement": "+ created anew",
    update: "~ changed",
    delete: "- removed",
    "delete-replaced": "- removed old",
    read: "  read",
};

const previewVerbs: Partial<Record<OpType, string>> = {
    create: "+ create",
    "create-replacement": "+ create anew",
    update: "~ change",
    delete: "- remove",
    "delete-replaced": "- remove old",
};

function nameOf(urn: string): string {
    return urn.split("::").at(-1) ?? urn;
}

function kindOf(type: string): string {
    const [pkg = "", module = "", kind = ""] = type.split(":");
    return pkg === "command" ? `${module} command` : kind;
}

/** Lines the engine writes about itself, which say nothing to whoever puts a station on air. */
const chatter = [
    /from \$PATH/,
    /^using pulumi-resource-/,
    /pending operation/i,
    // What follows from an error that was told: everything that waited for the resource.
    /^(Unhandled exception: (\w+: )?)?error serializing property/,
];

/**
 * Writes what the engine does, a line a resource: what, its kind, its name, how long it took; and errors in full. Give
 * it each event; `end` when no more come.
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
        const verb = (this.previewing ? previewVerbs : verbs)[op];
        const seconds = (Date.now() - (this.started.get(urn) ?? Date.now())) / 1000;
        this.started.delete(urn);
        if (verb !== undefined) {
            const because = diffs && diffs.length > 0 ? ` (${diffs.join(", ")})` : "";
            const duration = this.previewing ? "" : `  ${seconds.toFixed(1)} s`;
            this.line(`  ${verb.padEnd(15)} ${kindOf(type).padEnd(20)} ${nameOf(urn)}${because}${duration}`);
        }
    }

    /**
     * What the program says of the whole station, and what local commands say while they wait. Other resources say what
     * they are doing, which is told when it is done.
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
        // The engine repeats what stopped the program.
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
            this.line(`  … at work: ${waiting.join(", ")}`);
        }
    }
}

/** A message without colour marks such as <{%reset%}>, which belong to the engine's own display. */
export function plainText(message: string): string {
    return message.replace(/<\{%[^%]*%\}>/g, "").trim();
}

/** Components and unchanged resources are no work. */
export function isWork({ op, type, new: wanted, old }: StepEventMetadata): boolean {
    const custom = (wanted ?? old)?.custom ?? false;
    return custom && op !== "same" && op !== "refresh" && !type.startsWith("pulumi:");
}
