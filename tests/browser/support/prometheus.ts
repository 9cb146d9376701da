import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** One series at one moment. */
export interface Sample {
    metric: Record<string, string>;
    value: number;
}

/** What a station's metrics are: now, and in its past. */
export interface Metrics {
    now: Sample[];
    /** Series of a range by a word of the query: their labels, and their value at a time in seconds since 1970. */
    past: Record<string, { metric: Record<string, string>; at: (seconds: number) => number | undefined }[]>;
}

/** Prometheus's HTTP API, as far as the status page asks it. What it answers may be changed at any time. */
export class FakePrometheus {
    metrics: Metrics = { now: [], past: {} };
    private readonly server: Server = createServer((request, response) => {
        const url = new URL(request.url ?? "/", "http://prometheus");
        const query = url.searchParams.get("query") ?? "";
        const result = url.pathname.endsWith("/query_range")
            ? this.range(query, url.searchParams)
            : this.instant(query);
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ status: "success", data: { result } }));
    });

    async open(): Promise<string> {
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    close(): void {
        this.server.close();
        this.server.closeAllConnections();
    }

    private instant(query: string): object[] {
        const now = Date.now() / 1000;
        const named = ({ metric }: Sample): boolean =>
            query.startsWith("{")
                ? metric.query === undefined
                : metric.query !== undefined && query.startsWith(metric.query);
        return this.metrics.now
            .filter(named)
            .map(({ metric, value }) => ({ metric, value: [now, String(value)] }));
    }

    private range(query: string, asked: URLSearchParams): object[] {
        const [start = 0, end = 0, step = 1] = ["start", "end", "step"].map((name) =>
            Number(asked.get(name)),
        );
        const known = Object.entries(this.metrics.past).find(([word]) => query.includes(word));
        return (known?.[1] ?? []).map(({ metric, at }) => {
            const values: [number, string][] = [];
            for (let time = start; time <= end; time += step) {
                const value = at(time);
                if (value !== undefined) {
                    values.push([time, String(value)]);
                }
            }
            return { metric, values };
        });
    }
}
