import fc from "fast-check";

import { relayChains } from "../../components/relayPool/chain";
import type { RelayPlan } from "../../components/relayPool/plan";
import { renderRelay } from "../../components/relayPool/render";
import type { ChannelPlan } from "../../model/channels";
import type { Upstream } from "../../model/links";
import { relayPlan } from "../support/relayPlan";

const main: ChannelPlan = {
    id: "main",
    title: "Main",
    formats: [
        { codec: "mp3", bitrateKbps: 192, mount: "/main.mp3", contentType: "audio/mpeg" },
        { codec: "aac", bitrateKbps: 64, mount: "/main.aac", contentType: "audio/aac" },
    ],
};
const second: ChannelPlan = {
    id: "main-b",
    title: "Second",
    formats: [{ codec: "mp3", bitrateKbps: 192, mount: "/main-b.mp3", contentType: "audio/mpeg" }],
};

function upstream(id: string, host = "198.19.0.1"): Upstream {
    return { id, host, port: 8443, tlsName: `master-${id}.radio.test` };
}

function plan(change: Partial<RelayPlan> = {}): RelayPlan {
    return relayPlan({ upstreams: [upstream("a"), upstream("b", "198.19.0.2")], ...change });
}

function filesOf(value: RelayPlan): Record<string, string> {
    return Object.fromEntries(renderRelay(value).files.map(({ path, content }) => [path, content]));
}

function fileOf(value: RelayPlan, path: string): string {
    const content = filesOf(value)[path];
    if (content === undefined) {
        throw new Error(`${path} is not rendered`);
    }
    return content;
}

const icecastXml = "/etc/aerial/templates/icecast.xml";

describe("chains of a Relay", () => {
    it("fall back through every upstream to the own source", () => {
        const [chain] = relayChains([main], [upstream("a"), upstream("b"), upstream("c")]);
        expect(chain?.levels).toEqual([
            { name: "a", mount: "/main.mp3", upstreamPort: 8100, fallback: "/from-b/main.mp3" },
            { name: "b", mount: "/from-b/main.mp3", upstreamPort: 8101, fallback: "/from-c/main.mp3" },
            { name: "c", mount: "/from-c/main.mp3", upstreamPort: 8102, fallback: "/standby/main.mp3" },
            { name: "standby", mount: "/standby/main.mp3", upstreamPort: undefined, fallback: undefined },
        ]);
    });

    it("need no more than one upstream", () => {
        const [chain] = relayChains([main], [upstream("a")]);
        expect(chain?.levels.map((level) => level.mount)).toEqual(["/main.mp3", "/standby/main.mp3"]);
    });

    it("burst 8 s of audio and let a listener lag 32 s", () => {
        const [mp3, aac] = relayChains([main], [upstream("a")]);
        expect(mp3).toMatchObject({ burstBytes: 192_000, queueBytes: 768_000 });
        expect(aac).toMatchObject({ burstBytes: 64_000, queueBytes: 256_000 });
    });

    it("never share a mount, whatever channels and upstreams are called", () => {
        const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
        const property = fc.property(
            fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
            fc.uniqueArray(
                name.filter((id) => id !== "standby"),
                { minLength: 1, maxLength: 4 },
            ),
            (channels, upstreams) => {
                const chains = relayChains(
                    channels.map((id) => ({
                        ...main,
                        id,
                        formats: main.formats.map((format) => ({
                            ...format,
                            mount: `/${id}.${format.codec}`,
                        })),
                    })),
                    upstreams.map((id) => upstream(id)),
                );
                const mounts = chains.flatMap((chain) => chain.levels.map((level) => level.mount));
                expect(new Set(mounts).size).toBe(mounts.length);
            },
        );
        fc.assert(property);
    });
});

describe("renderRelay", () => {
    it("links every mount to every upstream, in order", () => {
        const relays = [...fileOf(plan(), icecastXml).matchAll(/<relay>([\s\S]*?)<\/relay>/g)].map(
            ([, relay]) =>
                [...(relay ?? "").matchAll(/<(?:port|mount|local-mount)>([^<]*)</g)].map(([, text]) => text),
        );
        expect(relays).toEqual([
            ["8100", "/main.mp3", "/main.mp3"],
            ["8101", "/main.mp3", "/from-b/main.mp3"],
            ["8100", "/main.aac", "/main.aac"],
            ["8101", "/main.aac", "/from-b/main.aac"],
        ]);
        const links = fileOf(plan(), "/etc/aerial/nginx/links.conf");
        expect(links).toMatch(/listen 127\.0\.0\.1:8100;[^}]*set \$link_host "198\.19\.0\.1";/);
        expect(links).toMatch(/listen 127\.0\.0\.1:8101;[^}]*set \$link_host "198\.19\.0\.2";/);
        expect(links).toContain('proxy_ssl_name "master-b.radio.test";');
        expect(links).toContain("proxy_ssl_verify on;");
    });

    it("reaches Icecast on the loopback address only, by sixteen sockets", () => {
        const sockets = [...fileOf(plan(), icecastXml).matchAll(/<listen-socket>.*<\/listen-socket>/g)].map(
            ([text]) => text,
        );
        expect(sockets).toHaveLength(16);
        expect(sockets.every((text) => text.includes("<bind-address>127.0.0.1</bind-address>"))).toBe(true);
        const edge = fileOf(plan(), "/etc/aerial/nginx/edge.conf");
        expect(edge.match(/server 127\.0\.0\.1:80\d\d max_fails=0;/g)).toHaveLength(16);
    });

    it("limits listeners in NGINX exactly, and leaves Icecast room beside them", () => {
        expect(fileOf(plan(), "/etc/aerial/nginx/listener.conf")).toContain("limit_conn listeners 1500;");
        const clients = Number(/<clients>(\d+)</.exec(fileOf(plan(), icecastXml))?.[1]);
        expect(clients).toBeGreaterThan(1500);
        expect(fileOf(plan(), "/etc/aerial/nginx/nginx.conf")).toContain("worker_connections 7096;");
    });

    it("offers mounts exactly, and the own source's and other upstreams' never", () => {
        const mounts = fileOf(plan({ channels: [main, second] }), "/etc/aerial/nginx/mounts.conf");
        const locations = [...mounts.matchAll(/location ([^{]*) \{/g)].map(([, location]) => location);
        expect(locations).toEqual(["/", '= "/main.mp3"', '= "/main.aac"', '= "/main-b.mp3"']);
    });

    it("makes one loop for each codec and bitrate, and a source for every mount", () => {
        const files = filesOf(plan({ channels: [main, second] }));
        expect(files["/etc/aerial/standby/formats"]).toBe("mp3 192\naac 64\n");
        expect(JSON.parse(files["/etc/aerial/standby/source.json"] ?? "")).toEqual({
            port: 8000,
            mounts: [
                { mount: "/standby/main.mp3", loop: "mp3-192", contentType: "audio/mpeg", name: "Main" },
                { mount: "/standby/main.aac", loop: "aac-64", contentType: "audio/aac", name: "Main" },
                { mount: "/standby/main-b.mp3", loop: "mp3-192", contentType: "audio/mpeg", name: "Second" },
            ],
        });
    });

    it("gives the health check the chains", () => {
        const module = fileOf(plan(), "/etc/aerial/nginx/js/relay.js");
        expect(JSON.parse(module.replace("export default ", ""))).toMatchObject({
            listenerLimit: 1500,
            chains: [
                {
                    mount: "/main.mp3",
                    levels: [
                        { name: "a", mount: "/main.mp3" },
                        { name: "b", mount: "/from-b/main.mp3" },
                        { name: "standby", mount: "/standby/main.mp3" },
                    ],
                },
                { mount: "/main.aac" },
            ],
        });
    });

    it("lets 20 listeners on from one address, or as many as it is told", () => {
        const limits = (change: Partial<RelayPlan>) => [
            ...fileOf(plan(change), "/etc/aerial/nginx/listener.conf").matchAll(
                /limit_(?:conn callers|req).*/g,
            ),
            ...fileOf(plan(change), "/etc/aerial/nginx/edge.conf").matchAll(/rate=.*/g),
        ];
        expect(limits({}).flat()).toEqual([
            "limit_conn callers 20;",
            "limit_req zone=requests burst=40 nodelay;",
            "rate=20r/s;",
        ]);
        expect(limits({ connectionsPerAddress: 4000 }).flat()).toEqual([
            "limit_conn callers 4000;",
            "limit_req zone=requests burst=8000 nodelay;",
            "rate=4000r/s;",
        ]);
    });

    it("asks every Master for its certificate, and takes none without the names it is reached by", () => {
        const files = filesOf(plan({ masters: [upstream("a"), upstream("b", "2001:db8::2")] }));
        expect(files["/etc/aerial/certificate/masters"]).toBe(
            "master-a.radio.test 198.19.0.1 8444\nmaster-b.radio.test [2001:db8::2] 8444\n",
        );
        expect(files["/etc/aerial/certificate/names"]).toBe("stream.radio.test\nams3.stream.radio.test\n");
        expect(fileOf(plan({ region: undefined }), "/etc/aerial/certificate/names")).toBe(
            "stream.radio.test\nnyc3.stream.radio.test\nams3.stream.radio.test\n",
        );
    });

    it("passes challenges to every Master in turn, the last one's answer counts", () => {
        const challenges = (masters: Upstream[]) =>
            [
                ...fileOf(plan({ masters }), "/etc/aerial/nginx/public.conf").matchAll(
                    /location ([^ ]+ ?[^ ]*) \{|challenge_host (".*");|error_page .* = (.*);/g,
                ),
            ].map((found) => found[1] ?? found[2] ?? found[3]);
        expect(challenges([upstream("a"), upstream("b", "2001:db8::2"), upstream("c")]).slice(3)).toEqual([
            '~ "^/\\.well-known/acme-challenge/[A-Za-z0-9_-]{1,200}$"',
            '"198.19.0.1"',
            "@challenge-b",
            "@challenge-b",
            '"[2001:db8::2]"',
            "@challenge-c",
            "@challenge-c",
            '"198.19.0.1"',
        ]);
    });

    it("opens a port for a tier below only where there is one", () => {
        expect(fileOf(plan(), "/etc/aerial/nginx/edge.conf").match(/listen .*/g)).toEqual([
            "listen 80 default_server reuseport backlog=4096;",
            "listen 443 ssl default_server reuseport backlog=4096;",
        ]);
        expect(filesOf(plan())["/etc/aerial/templates/tls.key"]).toBeUndefined();
        const files = filesOf(plan({ offersLinks: true }));
        expect(files["/etc/aerial/nginx/edge.conf"]).toContain("listen 8443 ssl");
        expect(files["/etc/aerial/templates/tls.key"]).toBe("@{file.tls.key}");
    });

    it("runs nothing of Debian's beside its own units", () => {
        const role = renderRelay(plan());
        expect(role.maskedUnits).toEqual(["icecast2.service", "nginx.service"]);
        for (const unit of role.units) {
            expect(role.files.map((file) => file.path)).toContain(`/etc/systemd/system/${unit}`);
        }
    });

    it("writes an IPv6 address as a URL needs it", () => {
        const links = fileOf(
            plan({ upstreams: [upstream("a", "2001:db8::1")] }),
            "/etc/aerial/nginx/links.conf",
        );
        expect(links).toContain('set $link_host "[2001:db8::1]";');
    });

    it("keeps hostile titles inside their place", () => {
        const property = fc.property(
            fc.string({ unit: "binary" }),
            fc.string({ unit: "binary" }),
            (stationName, title) => {
                let files: Record<string, string>;
                try {
                    files = filesOf(plan({ stationName, channels: [{ ...main, title }] }));
                } catch (error) {
                    expect(String(error)).toMatch(/cannot be written|placeholder/);
                    return;
                }
                const xml = files[icecastXml] ?? "";
                expect(xml.match(/<\/?[a-z]/g)).toEqual(fileOf(plan(), icecastXml).match(/<\/?[a-z]/g));
                for (const name of ["edge", "mounts", "listener", "public"]) {
                    const path = `/etc/aerial/nginx/${name}.conf`;
                    expect(files[path]).toBe(fileOf(plan(), path));
                }
                const [own] = (
                    JSON.parse(files["/etc/aerial/standby/source.json"] ?? "") as {
                        mounts: { name: string }[];
                    }
                ).mounts;
                expect(own?.name).not.toMatch(/[\r\n]/);
            },
        );
        fc.assert(property);
    });

    it("refuses a plan that cannot work, with all that is wrong", () => {
        const twice = { ...main, id: "other" };
        const bad = plan({
            channels: [main, twice],
            upstreams: [upstream("a"), upstream("a"), upstream("standby"), upstream("c", "x; }")],
            listenerLimit: 0,
        });
        expect(() => renderRelay(bad)).toThrow(
            "a Relay cannot be made: two channels have the mount /main.mp3; two channels have the mount /main.aac; " +
                'two upstreams are called a; "standby" cannot name an upstream; upstream c has the host "x; }"; ' +
                "a limit of 0 listeners",
        );
        const masters = [upstream("a", "x; }"), upstream("a")];
        const names = { ...relayPlan().names, stream: "stream.radio.test\nevil.test" };
        expect(() =>
            renderRelay(plan({ masters, names, region: "fra1", connectionsPerAddress: 0.5 })),
        ).toThrow(
            'a Relay cannot be made: two Masters are called a; Master a has the host "x; }"; ' +
                '"stream.radio.test\\nevil.test" is no name; no name for its region fra1; ' +
                "a limit of 0.5 connections for an address",
        );
        expect(() => renderRelay(plan({ upstreams: [] }))).toThrow("no upstream");
        expect(() => renderRelay(plan({ channels: [] }))).toThrow("no channel has a format");
    });

    it.each([
        "/healthz",
        "/status.json",
        "/main.aac.pls",
        "/",
        "main.mp3",
        "/a/b.mp3",
        '/x";',
        "/x y",
        "/.well-known",
    ])("refuses %p as a mount", (mount) => {
        const channels = [{ ...main, formats: [...main.formats, { ...main.formats[0]!, mount }] }];
        expect(() => renderRelay(plan({ channels }))).toThrow("is no mount");
    });
});
