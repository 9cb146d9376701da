import type * as pulumi from "@pulumi/pulumi";

import {
    anyMachineTlsName,
    machineTlsName,
    metricsPort,
    monitoringName,
    type RoleName,
} from "../../model/monitoring";
import type { StationAuthority } from "../stationAuthority";
import { jsonFile, program, programFolder, staticFile, textFile, unit } from "./files";
import type { MachineSecrets } from "./givenSecrets";
import type { MachineFile, MachineRole } from "./role";
import type { SecretNames } from "./secrets";

/*
 * What every machine of a monitored station has besides: an exporter that offers its metrics to the monitoring machine. What
 * programs of ours know arrives there as text, written by a timer.
 */

/** Where a machine's certificate of the station's CA is. */
export const certificateFolder = "/etc/aerial/machine";

/** The secrets that these files ask for. */
export const metricsSecrets: SecretNames = {
    values: [],
    files: ["ca.pem", "machine.pem", "machine.key"],
};

/** Programs that print metrics, by the role that has what they tell. */
const programs: Record<RoleName, readonly string[]> = {
    master: ["master"],
    relay: ["relay"],
    airtime: [],
    monitoring: [],
};

/** Renders the exporter and what it reads. */
export function metricsRole(role: RoleName): MachineRole {
    const names = ["certificate", "updates", ...programs[role]];
    return {
        packages: ["openssl", "prometheus-node-exporter"],
        files: [
            ...certificateFiles(),
            // JSON is YAML. Certificates are read anew with each connection.
            jsonFile("/etc/aerial/metrics/web.yml", {
                tls_server_config: {
                    cert_file: `${certificateFolder}/machine.pem`,
                    key_file: `${certificateFolder}/machine.key`,
                    client_ca_file: `${certificateFolder}/ca.pem`,
                    client_auth_type: "RequireAndVerifyClientCert",
                    client_allowed_sans: [machineTlsName(monitoringName)],
                    min_version: "TLS12",
                },
            }),
            unit("machine/metrics/aerial-exporter.service.eta", { port: metricsPort }),
            // What was written before a boot is not of now: it goes at each boot, before the exporter comes.
            textFile(
                "/etc/tmpfiles.d/aerial-metrics.conf",
                names.map((name) => `r! /var/lib/prometheus/node-exporter/aerial-${name}.prom\n`).join(""),
            ),
            unit("machine/metrics/aerial-metrics.service"),
            unit("machine/metrics/aerial-metrics.timer"),
            program("machine/metrics/write-metrics.sh"),
            ...names.map((name) =>
                staticFile(
                    `${programFolder}/metrics.d/${name}`,
                    `machine/metrics/metrics.d/${name}.sh`,
                    "0755",
                ),
            ),
        ],
        units: ["aerial-exporter.service", "aerial-metrics.timer"],
        services: [
            {
                unit: "aerial-exporter.service",
                reads: ["/etc/aerial/metrics/"],
                onChange: "restart",
                packages: ["prometheus-node-exporter"],
            },
        ],
        maskedUnits: ["prometheus-node-exporter.service"],
    };
}

function certificateFiles(): MachineFile[] {
    const file = (name: string): MachineFile => ({
        path: `${certificateFolder}/${name}`,
        content: `@{file.${name}}`,
        secretFormat: "raw",
        owner: "root:prometheus",
        mode: "0640",
    });
    return metricsSecrets.files.map(file);
}

/** By what the monitoring machine knows a machine. */
export interface Monitored {
    role: RoleName;
    authority: StationAuthority;
}

/** The certificate of a machine, with which it offers its metrics and reports to the monitoring machine. */
export function machineCertificate(
    machine: string,
    authority: StationAuthority,
    parent: pulumi.Resource,
): Pick<MachineSecrets, "files" | "generations"> {
    const issued = authority.issue(
        `${machine}-machine`,
        [machineTlsName(machine), anyMachineTlsName],
        parent,
        ["server_auth", "client_auth"],
    );
    return {
        files: {
            "ca.pem": authority.trustedPem,
            "machine.pem": issued.certificatePem,
            "machine.key": issued.privateKeyPem,
        },
        generations: authority.generations,
    };
}
