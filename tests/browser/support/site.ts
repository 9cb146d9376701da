import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { renderMonitoring } from "../../../components/monitoring/render";
import { checkout } from "../../../lab/paths";
import { statusPagePlan } from "../../support/statusPagePlan";
import { settings } from "./stations";

const run = promisify(execFile);
const templates = join(checkout, "config-templates");
const types: Record<string, string> = {
    html: "text/html; charset=utf-8",
    css: "text/css",
    js: "application/javascript",
    json: "application/json",
    svg: "image/svg+xml",
};

/** The page's files with figures that the real program writes, served with the headers that NGINX gives. */
export class Site {
    readonly folder = mkdtempSync(join(tmpdir(), "status-page-"));
    url = "";
    /** The clock of the page's machine goes ahead by so many seconds: what is written gets old. */
    aheadSeconds = 0;
    /** Files of figures that are refused, each once. */
    refused: string[] = [];
    private readonly policy = policyOf();
    private readonly server: Server = createServer((request, response) => {
        const path = this.fileOf(new URL(request.url ?? "/", "http://site").pathname);
        response.setHeader("date", new Date(Date.now() + this.aheadSeconds * 1000).toUTCString());
        response.setHeader("content-security-policy", this.policy);
        const refused = this.refused.findIndex((name) => path?.endsWith(`/${name}`));
        if (refused >= 0) {
            this.refused.splice(refused, 1);
            response.writeHead(503).end();
            return;
        }
        if (path === undefined || !existsSync(path)) {
            response.writeHead(404).end();
            return;
        }
        response.setHeader("content-type", types[path.split(".").at(-1) ?? ""] ?? "text/plain");
        response.end(readFileSync(path));
    });

    async open(): Promise<void> {
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
        this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    close(): void {
        this.server.close();
        this.server.closeAllConnections();
        rmSync(this.folder, { recursive: true, force: true });
    }

    /** Has the program write once. */
    async write(prometheus: string, alerts: unknown): Promise<void> {
        const told = join(this.folder, "settings.json");
        const open = join(this.folder, "now.json");
        writeFileSync(open, JSON.stringify(alerts));
        writeFileSync(told, JSON.stringify({ ...settings, prometheus, folder: this.folder, alerts: open }));
        await run("python3", [join(templates, "monitoring/page/aerial-status-page.py"), told, "--once"], {
            env: { ...process.env, PYTHONPATH: join(templates, "machine/python") },
        });
    }

    private fileOf(path: string): string | undefined {
        const file = /^\/(page\.css|page\.js|icon\.svg)$/.exec(path)?.[1];
        if (file !== undefined || path === "/" || path === "/team/") {
            return join(templates, "monitoring/page/site", file ?? "index.html");
        }
        const [, team, name] = /^\/(team\/)?((?:status|past)\.json)$/.exec(path) ?? [];
        return name === undefined
            ? undefined
            : join(this.folder, team === undefined ? "public" : "team", name);
    }
}

/** The content policy that NGINX is told; it allows no other origin than the streams'. */
function policyOf(): string {
    const role = renderMonitoring(statusPagePlan());
    const nginx = role.files.find(({ path }) => path.endsWith("status-page/nginx.conf"))?.content ?? "";
    return /Content-Security-Policy "(.+?)" always/.exec(nginx)?.[1] ?? "missing";
}
