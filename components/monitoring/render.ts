import { anyMachineTlsName, metricsPort, monitoringName } from "../../model/monitoring";
import { baseRole } from "../machine/base";
import { jsonFile, program, unit } from "../machine/files";
import { certificateFolder } from "../machine/metrics";
import { mergeRoles, type MachineFile, type MachineRole } from "../machine/role";
import {
    configSecretName,
    refuseOtherSecrets,
    refusePlaceholders,
    type SecretNames,
} from "../machine/secrets";
import { alerting, alertsRole, alertsSecretNames, rulesFile } from "./alerts";
import { earsRole } from "./ears";
import { figuresRole } from "./figures";
import { logsRole } from "./logs";
import type { MonitoringPlan } from "./plan";
import { statusPageRole, statusPageSecretNames } from "./statusPage";

const configurationFolder = "/etc/aerial/prometheus/";
const configurationFile = `${configurationFolder}prometheus.yml`;
const machinesFile = `${configurationFolder}machines.json`;
const remoteWriteKeyFile = `${configurationFolder}remote-write-key`;

/** How often metrics are read, in seconds. */
const intervalSeconds = 15;

/** Renders what the monitoring machine gets: Prometheus, and what it reads. */
export function renderMonitoring(plan: MonitoringPlan): MachineRole {
    refusePlaceholders(plan);
    const files = [
        jsonFile(configurationFile, prometheusConfiguration(plan)),
        jsonFile(machinesFile, targets(plan)),
        unit("monitoring/prometheus/aerial-prometheus.service.eta", {
            ...{ configuration: configurationFile },
            ...{ days: plan.retentionDays, mebibytes: plan.retentionMiB },
        }),
        ...["check.sh", "status.py"].map((name) => program(`monitoring/check/${name}`)),
        ...remoteWriteFiles(plan),
    ];
    const role = mergeRoles(
        baseRole(),
        earsRole(plan.ears, plan.machines),
        alertsRole(plan),
        statusPageRole(plan),
        logsRole(plan.logs, Object.keys(plan.machines)),
        figuresRole(plan),
        {
            packages: ["curl", "prometheus"],
            files,
            units: ["aerial-prometheus.service"],
            services: [
                {
                    unit: "aerial-prometheus.service",
                    // Which machines there are it sees by itself.
                    reads: [configurationFile, remoteWriteKeyFile, rulesFile],
                    onChange: "reload",
                    check: ["promtool", "check", "config", configurationFile],
                    packages: ["prometheus"],
                },
            ],
            maskedUnits: ["prometheus.service"],
        },
    );
    refuseOtherSecrets(role.files, monitoringSecrets(plan));
    return role;
}

/** What names secrets of the stack's configuration. */
type SecretNaming = "remoteWrite" | "alerts" | "statusPage";

/** The secrets that the files ask for. */
export function monitoringSecrets(plan: Pick<MonitoringPlan, SecretNaming>): SecretNames {
    return { values: configuredSecrets(plan).map(configSecretName), files: [] };
}

/** Names of secrets in the stack's configuration that this machine gets. */
export function configuredSecrets({
    remoteWrite,
    alerts,
    statusPage,
}: Pick<MonitoringPlan, SecretNaming>): string[] {
    const names = [
        ...(remoteWrite ? [remoteWrite.keySecret] : []),
        ...(alerts ? alertsSecretNames(alerts) : []),
        ...statusPageSecretNames(statusPage),
    ];
    return [...new Set(names)];
}

function prometheusConfiguration(plan: MonitoringPlan): object {
    return {
        global: {
            scrape_interval: `${intervalSeconds}s`,
            scrape_timeout: "10s",
            evaluation_interval: `${intervalSeconds}s`,
            external_labels: { station: plan.stationName },
        },
        scrape_configs: [
            {
                job_name: "machine",
                scheme: "https",
                tls_config: {
                    ca_file: `${certificateFolder}/ca.pem`,
                    cert_file: `${certificateFolder}/machine.pem`,
                    key_file: `${certificateFolder}/machine.key`,
                    // Machines are known by address: this name is in the certificate of each.
                    server_name: anyMachineTlsName,
                },
                file_sd_configs: [{ files: [machinesFile] }],
                // The machine's name says more than its address, which another one may have tomorrow.
                relabel_configs: [{ source_labels: ["machine"], target_label: "instance" }],
            },
            { job_name: "prometheus", static_configs: [{ targets: ["127.0.0.1:9090"], labels: own(plan) }] },
            alerting.scrape(own(plan)),
        ],
        ...alerting.configuration,
        ...(plan.remoteWrite && { remote_write: [remoteWrite(plan.remoteWrite)] }),
    };
}

function own({ region }: MonitoringPlan): Record<string, string> {
    return { machine: monitoringName, role: "monitoring", region };
}

function remoteWrite({ url }: NonNullable<MonitoringPlan["remoteWrite"]>): object {
    return { url, name: "remote", authorization: { credentials_file: remoteWriteKeyFile } };
}

function remoteWriteFiles({ remoteWrite }: MonitoringPlan): MachineFile[] {
    if (!remoteWrite) {
        return [];
    }
    return [
        {
            path: remoteWriteKeyFile,
            content: `@{${configSecretName(remoteWrite.keySecret)}}`,
            secretFormat: "raw",
            owner: "root:prometheus",
            mode: "0640",
        },
    ];
}

function targets(plan: MonitoringPlan): object[] {
    return [
        ...Object.entries(plan.machines).map(([machine, { role, region, address }]) => ({
            targets: [`${address}:${metricsPort}`],
            labels: { machine, role, region },
        })),
        {
            targets: [`127.0.0.1:${metricsPort}`],
            // What the Ears hear must not wait: it is the first sign of a fault.
            labels: { ...own(plan), __scrape_interval__: "5s", __scrape_timeout__: "4s" },
        },
    ];
}
