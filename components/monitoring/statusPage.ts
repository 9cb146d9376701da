import type { ChannelPlan } from "../../model/channels";
import type { StationPlan } from "../../model/plan";
import { digitalOceanPrices } from "../../model/prices";
import { digitalOceanRegions } from "../../model/providerRegions";
import type { MonitoredMachine } from "../../model/monitoring";
import type { AcmePlan } from "../../model/publicCertificate";
import type { SourcePlan } from "../../model/sources";
import type { StatusPagePart } from "../../model/statusPage";
import type { OpenPort } from "../dropletMachine/firewall";
import {
    each,
    jsonFile,
    program,
    programFolder,
    pythonModule,
    staticFile,
    templateFile,
    unit,
} from "../machine/files";
import type { MachineFile, MachineRole } from "../machine/role";
import { configSecretName } from "../machine/secrets";
import { certificateFiles, certificateTimer } from "../master/certificate";

/** What the status page is told of the station. */
export interface StatusPagePlan {
    /** Its name, such as `status.radio.example`. */
    name: string;
    /** The name that players connect to. */
    streamName: string;
    channels: ChannelPlan[];
    /** By priority. */
    sources: SourcePlan[];
    /** Names of the Masters' machines, preferred first. */
    masters: string[];
    timeZone: string;
    /** Whether a backup runs that its metrics tell of. */
    hasBackup: boolean;
    /** Parts that only the team sees; without any there is no password. */
    private: StatusPagePart[];
    /** Which secret of the stack's configuration is the team's password. */
    teamSecret?: string | undefined;
    /** What a month costs. */
    bill: Pick<StationPlan, "items" | "monthlyUsd"> & {
        transfer: Pick<StationPlan["transfer"], "includedGiB">;
    };
    acme: AcmePlan;
}

/** Everyone may read the page; port 80 sends them on, and answers the certificate authority. */
export const statusPagePorts: OpenPort[] = [
    { port: 80, from: "everyone" },
    { port: 443, from: "everyone" },
];

const settingsFolder = "/etc/aerial/status-page";
const settingsFile = `${settingsFolder}/settings.json`;
const nginxFile = `${settingsFolder}/nginx.conf`;
const siteFolder = "/usr/local/share/aerial/status-page";
const modules = ["history.py", "parts.py", "prometheus.py", "snapshot.py", "verdict.py"];
const site = ["icon.svg", "index.html", "page.css", "page.js"];

/** Names of secrets in the stack's configuration that the page needs. */
export function statusPageSecretNames(plan: StatusPagePlan | undefined): string[] {
    return plan?.teamSecret !== undefined && plan.private.length > 0 ? [plan.teamSecret] : [];
}

interface WatchedStation {
    stationName: string;
    machines: Record<string, MonitoredMachine>;
    statusPage?: StatusPagePlan | undefined;
}

/** Renders the status page: what writes its figures, and the NGINX that serves it. An empty role without a page. */
export function statusPageRole({ statusPage, ...watched }: WatchedStation): MachineRole {
    if (!statusPage) {
        return { packages: [], files: [], units: [], services: [], maskedUnits: [] };
    }
    return {
        packages: ["lego", "nginx", "openssl", "python3", "tzdata"],
        files: [
            program("monitoring/page/aerial-status-page.py"),
            ...each("monitoring/page/page", modules, (template) => pythonModule(template, "page")),
            ...each("monitoring/page", ["aerial-status-page.service", "aerial-nginx.service"], unit),
            jsonFile(settingsFile, settings(statusPage, watched)),
            ...site.map((name) => staticFile(`${siteFolder}/${name}`, `monitoring/page/site/${name}`)),
            templateFile(nginxFile, "nginx", "monitoring/page/nginx.conf.eta", {
                name: statusPage.name,
                policy: contentPolicy(statusPage),
                hasTeam: statusPage.private.length > 0,
            }),
            program("monitoring/page/team-users.sh"),
            ...passwordFiles(statusPage),
            ...certificateFiles({
                id: "monitoring",
                rank: 0,
                publicNames: [statusPage.name],
                acme: statusPage.acme,
                peers: [],
            }),
        ],
        units: ["aerial-status-page.service", "aerial-nginx.service", certificateTimer],
        services: [
            {
                unit: "aerial-status-page.service",
                reads: [
                    settingsFile,
                    ...["aerial-status-page", "page/", "files.py"].map((path) => `${programFolder}/${path}`),
                ],
                onChange: "restart",
            },
            {
                unit: "aerial-nginx.service",
                reads: [nginxFile, passwordFile],
                onChange: "reload",
                check: ["/usr/sbin/nginx", "-q", "-t", "-c", nginxFile],
                packages: ["nginx"],
            },
        ],
        maskedUnits: ["nginx.service"],
    };
}

/** What `aerial-status-page` reads. */
export function settings(
    plan: StatusPagePlan,
    { stationName, machines }: Omit<WatchedStation, "statusPage">,
): object {
    const regions = new Set(Object.values(machines).map(({ region }) => region));
    return {
        prometheus: "http://127.0.0.1:9090",
        folder: "/var/lib/aerial/status-page",
        alerts: "/var/lib/aerial-alerts/now.json",
        station: stationName,
        stream: plan.streamName,
        timeZone: plan.timeZone,
        channels: plan.channels.map(({ id, title, formats }) => ({ id, title, mounts: formats })),
        sources: plan.sources,
        masters: plan.masters.map((name) => ({ name, region: machines[name]?.region ?? "" })),
        relays: Object.entries(machines)
            .filter(([, { role }]) => role === "relay")
            .map(([name, { region, address }]) => ({ name, region, address })),
        regions: Object.fromEntries(
            [...regions].map((region) => [region, digitalOceanRegions[region]?.place ?? region]),
        ),
        backup: plan.hasBackup,
        private: plan.private,
        plan: {
            monthlyUsd: plan.bill.monthlyUsd,
            items: plan.bill.items.map(({ name, monthlyUsd }) => ({ name, monthlyUsd })),
            includedGiB: plan.bill.transfer.includedGiB,
            transferUsdPerGib: digitalOceanPrices.transferUsdPerGib,
        },
    };
}

/** What a browser may do on the page: nothing but its own files, and the station's streams. */
function contentPolicy({ streamName }: StatusPagePlan): string {
    return [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        `media-src https://${streamName}`,
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ].join("; ");
}

const passwordFile = `${settingsFolder}/team-password`;

function passwordFiles(plan: StatusPagePlan): MachineFile[] {
    return statusPageSecretNames(plan).map((name) => ({
        path: passwordFile,
        content: `@{${configSecretName(name)}}`,
        secretFormat: "raw",
        owner: "root:root",
        mode: "0600",
    }));
}
