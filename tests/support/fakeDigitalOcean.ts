import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeDroplet {
    name: string;
    status: "active" | "off";
    tags: string[];
    vpc_uuid: string;
}

const notFound: [number, unknown] = [
    404,
    { id: "not_found", message: "The resource you were accessing could not be found." },
];

/** DigitalOcean's API as far as the end of a droplet needs it, with droplets that a test looks at and changes. */
export class FakeDigitalOcean {
    readonly droplets = new Map<string, FakeDroplet>();
    /** Tags of the account. */
    readonly tags = new Set(["aerial-test-draining"]);
    /** What was asked of it, looks excepted: `DELETE /v2/droplets/401`. */
    readonly asked: string[] = [];
    /** Answers before the real one: status and words, for the requests that begin with this text. */
    readonly refusals: { request: string; status: number; words: string }[] = [];
    /** How many looks at a droplet still find it after its deletion. */
    lingering = 1;
    private readonly going = new Map<string, number>();
    private readonly server: Server;

    constructor() {
        this.server = createServer((request, response) => {
            void this.answer(request).then(([status, body]) => {
                response.writeHead(status, { "Content-Type": "application/json", Connection: "close" });
                response.end(body === undefined ? "" : JSON.stringify(body));
            });
        });
    }

    async start(): Promise<string> {
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    async stop(): Promise<void> {
        await new Promise((resolve) => this.server.close(resolve));
    }

    private async answer(request: IncomingMessage): Promise<[number, unknown?]> {
        const pieces: Buffer[] = [];
        for await (const piece of request) {
            pieces.push(piece as Buffer);
        }
        const body = JSON.parse(Buffer.concat(pieces).toString() || "{}") as {
            type?: string;
            resources?: { resource_id: string }[];
        };
        const url = new URL(request.url ?? "", "http://api");
        const wanted = `${request.method} ${url.pathname}`;
        if (request.headers.authorization !== "Bearer secret-token") {
            return [401, { id: "Unauthorized", message: "Unable to authenticate you" }];
        }
        if (request.method !== "GET") {
            this.asked.push(wanted);
        }
        const refusal = this.refusals.find((one) => wanted.startsWith(one.request));
        if (refusal) {
            this.refusals.splice(this.refusals.indexOf(refusal), 1);
            return [refusal.status, { message: refusal.words }];
        }
        const [, , kind, id = "", part] = url.pathname.split("/");
        if (kind === "tags" && part === undefined) {
            return this.tags.has(id) ? [200, { tag: { name: id } }] : notFound;
        }
        if (kind === "tags") {
            for (const { resource_id: tagged } of body.resources ?? []) {
                this.droplets.get(tagged)?.tags.push(id);
            }
            return [204];
        }
        if (id === "") {
            return [200, this.page(url)];
        }
        const droplet = this.find(id);
        if (!droplet) {
            return notFound;
        }
        if (request.method === "DELETE") {
            this.going.set(id, this.lingering);
            return [204];
        }
        if (part === "actions") {
            droplet.status = "off";
            return [201, { action: { id: 1, status: "in-progress" } }];
        }
        return [200, { droplet: { id: Number(id), ...droplet } }];
    }

    private find(id: string): FakeDroplet | undefined {
        const looks = this.going.get(id);
        if (looks !== undefined) {
            if (looks === 0) {
                this.droplets.delete(id);
            }
            this.going.set(id, looks - 1);
        }
        return this.droplets.get(id);
    }

    /** One droplet a page, so that more than one has to be asked for. */
    private page(url: URL): object {
        const tag = url.searchParams.get("tag_name") ?? "";
        const all = [...this.droplets].filter(([, { tags }]) => tags.includes(tag));
        const page = Number(url.searchParams.get("page"));
        const shown = all.slice(page - 1, page).map(([id, droplet]) => ({ id: Number(id), ...droplet }));
        return { droplets: shown, links: page < all.length ? { pages: { next: "http://next" } } : {} };
    }
}
