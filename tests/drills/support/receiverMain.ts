/** The process of a `Receiver`: takes alerts and heartbeats in the operator's place. Ends with its parent. */
import { createServer } from "node:http";

/** What the process tells: where something was sent to, and what; a heartbeat has no body. */
export interface Received {
    path: string;
    body: string;
}

process.once("message", ({ address, port }: { address: string; port: number }) => {
    const server = createServer((request, response) => {
        const parts: Buffer[] = [];
        request.on("data", (part: Buffer) => parts.push(part));
        request.on("end", () => {
            process.send?.({
                path: request.url ?? "",
                body: Buffer.concat(parts).toString(),
            } satisfies Received);
            response.end();
        });
    });
    server.on("error", (error) => {
        throw error;
    });
    server.listen(port, address, () => process.send?.("listening"));
});

process.on("disconnect", () => process.exit(0));
