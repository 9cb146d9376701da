/** How often to say what is under way when nothing else is said, in ms. */
const silenceMs = 30_000;

/**
 * Everybody's output on one terminal. While one thing runs at a time, it comes as it is; with several, line by line,
 * each after the name of who says it.
 */
export class Display {
    private readonly speakers = new Map<string, { step: string; since: number }>();
    private readonly timer: NodeJS.Timeout;
    private readonly startedAt = Date.now();
    private lastAt = Date.now();

    /**
     * @param names who may speak, for the width of the column.
     * @param several whether they speak at once.
     */
    constructor(
        private readonly names: readonly string[],
        readonly several: boolean,
        private readonly write: (text: string) => void = (text) => void process.stdout.write(text),
    ) {
        this.timer = setInterval(() => this.remind(), 1000);
        this.timer.unref();
    }

    /** Someone begins a step: what they write goes to the result's `say`, until `end`. */
    begin(name: string, step: string): Speaker {
        const since = Date.now();
        this.speakers.set(name, { step, since });
        if (!this.several) {
            this.put(`\n── ${step} ──\n`);
            return { say: (text) => this.put(text), end: () => void this.speakers.delete(name) };
        }
        this.lines(name, [`── ${step} ──`]);
        let line = "";
        return {
            say: (text) => {
                const lines = (line + text).split("\n");
                line = lines.pop() ?? "";
                this.lines(name, lines);
            },
            end: () => {
                this.lines(name, [line, `── ${step} ended after ${minutes(Date.now() - since)} ──`]);
                this.speakers.delete(name);
            },
        };
    }

    close(): void {
        clearInterval(this.timer);
    }

    private lines(name: string, lines: readonly string[]): void {
        const width = Math.max(...this.names.map((one) => one.length));
        // Blank lines set paragraphs apart, which would be somebody else's here.
        const spoken = lines.filter((line) => line.trim() !== "");
        this.put(spoken.map((line) => `${name.padEnd(width)} │ ${line}\n`).join(""));
    }

    private put(text: string): void {
        if (text !== "") {
            this.lastAt = Date.now();
            this.write(text);
        }
    }

    private remind(): void {
        if (this.several && this.speakers.size > 0 && Date.now() - this.lastAt > silenceMs) {
            const now = Date.now();
            const busy = [...this.speakers.values()].map(
                ({ step, since }) => `${step} ${minutes(now - since)}`,
            );
            this.put(`… ${minutes(now - this.startedAt)} since the start; under way: ${busy.join(", ")}\n`);
        }
    }
}

export interface Speaker {
    say: (text: string) => void;
    end: () => void;
}

/** A time as people read it on a clock: `2:05`. */
function minutes(milliseconds: number): string {
    const seconds = Math.round(milliseconds / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
