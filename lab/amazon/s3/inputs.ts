import { z } from "zod";

import { region } from "../compute/inputs";

/** As the real provider checks it before anything is made, and S3 after: `InvalidBucketName`. */
export const bucketName = z.string().superRefine((name, context) => {
    const rules: [boolean, string][] = [
        [name.length < 3 || name.length > 63, `"${name}" must contain from 3 to 63 characters`],
        [
            !/^[0-9a-z.-]*$/.test(name),
            `only lowercase alphanumeric characters and hyphens allowed in "${name}"`,
        ],
        [/^[.-]|[.-]$/.test(name), `"${name}" must begin and end with a letter or number`],
        [name.includes(".."), `"${name}" cannot contain two consecutive periods`],
        [/^\d{1,3}(\.\d{1,3}){3}$/.test(name), `"${name}" must not be formatted as an IP address`],
        [
            /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name),
            `"${name}" has a prefix or suffix that S3 keeps for itself`,
        ],
    ];
    for (const [broken, message] of rules) {
        if (broken) {
            context.addIssue({ code: "custom", message: `InvalidBucketName: ${message}` });
        }
    }
});

/** What names the bucket that something is set on, for all kinds but the bucket itself. */
export const ofBucket = { bucket: bucketName, region };

export interface OfBucket {
    bucket: string;
    region: string;
}

/** Classes that objects move to by age, from the dearest to the cheapest: a rule goes down this list only. */
export const storageClasses = [
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
] as const;
