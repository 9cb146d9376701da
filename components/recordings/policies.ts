import { bucketArn, objectsArn, policyDocument, type PolicyDocument } from "../privateBucket/policies";

/* Who may do what with the recordings, statement by statement. */

/**
 * A Master's writer: it adds below its own name, and takes its own takes away when their hour is there in one file. It cannot
 * read or list, and reaches no other Master's recordings. A take that was taken away, or a file that was replaced, stays as
 * an old version for a day.
 */
export function recorderPolicy(bucket: string, master: string): PolicyDocument {
    const own = (folder: string): string => `${bucketArn(bucket)}/${folder}/${master}/*`;
    return policyDocument(
        { Sid: "Add", Effect: "Allow", Action: "s3:PutObject", Resource: [own("hours"), own("takes")] },
        { Sid: "TakeAway", Effect: "Allow", Action: "s3:DeleteObject", Resource: [own("takes")] },
    );
}

/** Who cuts: what is current of all Masters. */
export function recordingsReaderPolicy(bucket: string): PolicyDocument {
    return policyDocument(
        { Sid: "List", Effect: "Allow", Action: "s3:ListBucket", Resource: [bucketArn(bucket)] },
        { Sid: "Read", Effect: "Allow", Action: "s3:GetObject", Resource: [objectsArn(bucket)] },
    );
}
