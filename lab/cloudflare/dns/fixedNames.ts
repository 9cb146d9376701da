import { awsRegions } from "../../../model/providerRegions";
import { sites } from "../../network/addresses";

/** Amazon's services that have a name in each region, besides S3. */
const regionalServices = ["autoscaling", "monitoring", "ssm", "sts"];

function amazonNames(region: string): [string, string][] {
    return [
        [`s3.${region}.amazonaws.com`, sites.s3 ?? ""],
        // Buckets by name.
        [`*.s3.${region}.amazonaws.com`, sites.s3 ?? ""],
        ...regionalServices.map((service): [string, string] => [
            `${service}.${region}.amazonaws.com`,
            sites.aws ?? "",
        ]),
    ];
}

/** Names of the lab itself, which no program declares: servers of the outside world. */
export const fixedNames: Readonly<Record<string, string>> = {
    // Where certificates come from.
    "acme.test": sites.acme ?? "",
    "iam.amazonaws.com": sites.aws ?? "",
    "sts.amazonaws.com": sites.aws ?? "",
    // S3's first region, by its old name.
    "s3.amazonaws.com": sites.s3 ?? "",
    "*.s3.amazonaws.com": sites.s3 ?? "",
    ...Object.fromEntries(Object.keys(awsRegions).flatMap(amazonNames)),
};
