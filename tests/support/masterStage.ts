import type { MasterPlan } from "../../components/master/plan";
import { renderMaster } from "../../components/master/render";
import { inImage, type ImageBind } from "../../lab/machines/image";
import { delivered } from "./delivered";
import { patience } from "./patience";

/** Every character that some format could trip over, and that none refuses. */
export const awkward = String.raw`Rock "n" Roll #{1+1} \ 100% <b>&amp; 'it''s' ; } ]]> é`;

/** The password of a source on an installed Master. */
export function passwordOf(source: string): string {
    return `${awkward} ${source}`;
}

/** User and password of a generation's links on an installed Master. */
export function linkLoginOf(generation: number): string {
    return `relay-${generation}:link ${awkward} ${generation}`;
}

/** A folder that holds what a delivery puts on a Master's machine. */
export async function installedMaster(plan: MasterPlan): Promise<string> {
    const values: Record<string, string> = { "relay.link": linkLoginOf(2) };
    for (const generation of plan.linkGenerations) {
        values[`relay.link.${generation}`] = `link ${awkward} ${generation}`;
    }
    for (const channel of plan.channels) {
        for (const source of plan.sources) {
            values[`source.${channel.id}.${source.name}`] = passwordOf(source.name);
        }
    }
    const certificate = await inImage([
        "sh",
        "-c",
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=master-a.radio.test " +
            "-days 2 -keyout /tmp/key -out /tmp/pem 2>/dev/null && cat /tmp/key /tmp/pem",
    ]);
    const [key = "", pem = ""] = certificate.stdout.split(/(?=-----BEGIN CERT)/);
    return delivered(renderMaster(plan), {
        values,
        files: { "tls.pem": pem, "tls.key": key, "ca.pem": pem },
    });
}

/** Runs a script on a machine that has these files, with a network of its own; what it started ends with it. */
export function onMaster(root: string, script: string, limitSeconds = 60, binds: readonly ImageBind[] = []) {
    return inImage(
        [
            "unshare",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "bash",
            "-euc",
            `ip link set lo up; cp -r /installed/. /; ${script}`,
        ],
        {
            binds: [{ source: root, target: "/installed" }, ...binds],
            timeoutSeconds: limitSeconds * patience,
        },
    );
}

/** NGINX as its unit starts it, and that it does not mind being reloaded. */
export const startNginx = `
    chgrp -R www-data /etc/aerial/nginx.conf /etc/aerial/certificate-users /etc/aerial/tls
    /usr/local/sbin/aerial-certificate prepare
    install -d -o www-data /run/aerial-nginx
    nginx() { setpriv --reuid www-data --regid www-data --clear-groups --inh-caps +net_bind_service \
        --ambient-caps +net_bind_service /usr/sbin/nginx -c /etc/aerial/nginx.conf "$@"; }
    nginx -t -q
    nginx &
    until curl -s -o /dev/null http://127.0.0.1/; do sleep 0.1; done
`;
