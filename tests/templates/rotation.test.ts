import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { renderMaster } from "../../components/master/render";
import { renderRelay } from "../../components/relayPool/render";
import { upstreamPort } from "../../components/relayPool/ports";
import { ensureImage } from "../../lab/machines/image";
import { icecastVersions } from "../../model/icecast";
import type { Upstream } from "../../model/links";
import { delivered } from "../support/delivered";
import { masterPlan } from "../support/masterPlan";
import { installedMaster, linkLoginOf, onMaster, startNginx } from "../support/masterStage";
import { installPackages } from "../support/packages";
import { relayPlan } from "../support/relayPlan";
import { issuedBy, newAuthority } from "../support/stationAuthorities";

/* What machines accept while a secret is rotated: the real Icecast, NGINX, curl and Python with their rendered files. */

beforeAll(ensureImage, 600_000);

const folders: string[] = [];

function temporary(): string {
    const folder = mkdtempSync(join(tmpdir(), "aerial-rotation-"));
    folders.push(folder);
    return folder;
}

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** One word of bash. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Those that a Master is asked with. */
const logins = [0, 1, 2, 3, 4].map((generation) => `[${generation}]=${quoted(linkLoginOf(generation))}`);

describe.each(icecastVersions)("a Master with Icecast %s", (icecast) => {
    let answers: string[];

    beforeAll(async () => {
        const plan = masterPlan({ icecast });
        const now = await installedMaster(plan);
        const next = await installedMaster({ ...plan, linkGenerations: [2, 3, 4] });
        folders.push(now, next);
        const { stdout } = await onMaster(
            now,
            `${installPackages(renderMaster(plan))}
             chgrp icecast /etc/aerial/icecast.xml /etc/aerial/icecast-listeners
             setpriv --reuid icecast2 --regid icecast --clear-groups icecast2 -c /etc/aerial/icecast.xml >/dev/null 2>&1 &
             trap "kill -KILL $!" EXIT
             declare -A login=(${logins.join(" ")})
             base=http://127.0.0.1:8000
             until curl -s -o /dev/null $base/; do sleep 0.1; done
             studio="studio:$(jq -r '.values["source.main.studio"]' /etc/aerial/secrets/delivered.json)"
             head -c 4000000 /dev/urandom >/tmp/audio
             curl -s -o /dev/null --limit-rate 40k -H 'Content-Type: audio/mpeg' -H 'Expect:' -H 'Transfer-Encoding:' \
                 -u "$studio" -T - $base/main-studio </tmp/audio &
             sleep 2
             link() { curl -s -o /dev/null -m 2 -w "$1 %{http_code}\\n" -u "$2" $base/main-studio || true; }
             ask() {
                 asked=()
                 for generation in 0 1 2 3 4; do
                     link "$1 $generation" "\${login[$generation]}" & asked+=($!)
                 done
                 link "$1 borrowed" "relay-2:\${login[1]#*:}" & asked+=($!)
                 wait "\${asked[@]}"
             }
             {
                 code=0
                 curl -s -o /dev/null -m 9 -u "\${login[1]}" $base/main-studio || code=$?
                 # 28: it still streamed when its time was over.
                 echo "link of before: $code"
             } & before=$!
             ask now
             install -m 640 -g icecast /next/etc/aerial/icecast-listeners /etc/aerial/icecast-listeners
             ask next
             wait $before`,
            60,
            [{ source: next, target: "/next" }],
        );
        answers = stdout.trim().split("\n").sort();
    }, 120_000);

    it("lets in whoever has the previous, the present or the next link password, and nobody else", () => {
        expect(answers.filter((answer) => answer.startsWith("now"))).toEqual([
            "now 0 401",
            "now 1 200",
            "now 2 200",
            "now 3 200",
            "now 4 401",
            "now borrowed 401",
        ]);
    });

    it("takes the next rotation without a reload, and keeps a link that the ended password had let in", () => {
        expect(answers.filter((answer) => !answer.startsWith("now"))).toEqual([
            "link of before: 28",
            "next 0 401",
            "next 1 401",
            "next 2 200",
            "next 3 200",
            "next 4 200",
            "next borrowed 401",
        ]);
    });
});

it("a Master hands the certificate to whoever has the previous, the present or the next link password", async () => {
    const root = await installedMaster(masterPlan());
    folders.push(root);
    const { stdout } = await onMaster(
        root,
        `${startNginx}
         declare -A login=(${logins.join(" ")})
         code() { curl -sk -o /dev/null -w '%{http_code}' "$@" https://127.0.0.1:8444/certificate.pem; }
         for generation in 0 1 2 3 4; do echo "$generation $(code -u "\${login[$generation]}")"; done`,
    );
    // There is none yet.
    expect(stdout.trim().split("\n")).toEqual(["0 401", "1 404", "2 404", "3 404", "4 401"]);
});

/** Upstreams whose certificates are of the previous, the present and the next CA, and of one of before; and the CAs. */
async function upstreamsOfAllGenerations(
    folder: string,
): Promise<{ upstreams: Upstream[]; trusted: string }> {
    const issuers = await Promise.all(
        [1, 2, 3, 0].map((generation) =>
            newAuthority({ commonName: `links ${generation}`, organization: "Radio Test" }),
        ),
    );
    const upstreams = ["b", "c", "d", "e"].map((id, index) => ({
        ...{ id, host: `127.0.0.${11 + index}`, port: 9443, tlsName: `master-${id}.radio.test` },
    }));
    // At ports of their own: a Master's NGINX takes the usual ones at every address.
    mkdirSync(join(folder, "tls"));
    const servers = await Promise.all(
        upstreams.map(async ({ id, host, tlsName }, index) => {
            const issuer = issuers[index];
            if (issuer === undefined) {
                throw new Error(`nobody issues the certificate of ${id}`);
            }
            const { certificate, key } = await issuedBy(issuer, tlsName);
            writeFileSync(join(folder, "tls", `${id}.pem`), certificate + key);
            const tls = `ssl_certificate /upstreams/tls/${id}.pem; ssl_certificate_key /upstreams/tls/${id}.pem;`;
            return `
                server { listen ${host}:9443 ssl; ${tls} return 200 $http_authorization; }
                server { listen ${host}:9444 ssl; ${tls} return 404; }`;
        }),
    );
    const settings = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (name) => `${name}_temp_path /tmp/${name};`,
    );
    writeFileSync(
        join(folder, "nginx.conf"),
        `pid /tmp/upstreams.pid; events {} http { access_log off; ${settings.join(" ")} ${servers.join("")} }`,
    );
    const trusted = issuers.slice(0, 3).map(({ certificate }) => certificate);
    return { upstreams, trusted: trusted.join("") };
}

describe("certificates of the previous, the present and the next CA", () => {
    const header = `Basic ${Buffer.from(linkLoginOf(2)).toString("base64")}`;
    /** What each upstream is asked with, through the machine's own NGINX. */
    const asked = (port: (index: number) => number): string =>
        [0, 1, 2, 3]
            .map(
                (index) => `curl -s -m 5 -w ' %{http_code}\\n' http://127.0.0.1:${port(index)}/x | tail -n 1`,
            )
            .join("\n");

    it("are trusted by a Relay's links and by its search for the public certificate, others are not", async () => {
        const folder = temporary();
        const { upstreams, trusted } = await upstreamsOfAllGenerations(folder);
        const role = renderRelay(relayPlan({ upstreams, masters: upstreams }));
        const root = await delivered(role, {
            values: { "relay.link": linkLoginOf(2) },
            files: { "ca.pem": trusted },
        });
        folders.push(root);
        const { stdout } = await onMaster(
            root,
            `mkdir -p /run/aerial /run/aerial-links /var/lib/aerial/certificate
             nginx -c /upstreams/nginx.conf 2>/dev/null
             /usr/local/sbin/aerial-certificate ensure 2>/dev/null
             /usr/local/lib/aerial/resolver /run/aerial-links/resolver.conf
             nginx -c /etc/aerial/links/links.conf 2>/dev/null
             ${asked(upstreamPort)}
             sed -i s/8444/9444/ /etc/aerial/certificate/masters
             /usr/local/sbin/aerial-certificate fetch 2>&1 | grep answer`,
            60,
            [{ source: folder, target: "/upstreams" }],
        );
        expect(stdout.trim().split("\n")).toEqual([
            `${header} 200`,
            `${header} 200`,
            `${header} 200`,
            " 502",
            "aerial-certificate: master-e.radio.test gives no answer",
        ]);
    });

    it("are trusted by a Master's links and by its search for the public certificate, others are not", async () => {
        const folder = temporary();
        const { upstreams, trusted } = await upstreamsOfAllGenerations(folder);
        const root = await installedMaster(masterPlan({ peers: upstreams }));
        folders.push(root);
        writeFileSync(join(folder, "ca.pem"), trusted);
        const { stdout } = await onMaster(
            root,
            `cp /upstreams/ca.pem /etc/aerial/tls/ca.pem
             sed -i s/8444/9444/ /etc/aerial/certificate.json
             /usr/sbin/nginx -c /upstreams/nginx.conf 2>/dev/null
             ${startNginx}
             ${asked((index) => 8101 + index)}
             /usr/local/sbin/aerial-certificate arrive 2>&1`,
            60,
            [{ source: folder, target: "/upstreams" }],
        );
        expect(stdout.trim().split("\n")).toEqual([
            `${header} 200`,
            `${header} 200`,
            `${header} 200`,
            " 502",
            expect.stringMatching(/^master-e gives no certificate: .*certificate verify failed/),
        ]);
    });
});
