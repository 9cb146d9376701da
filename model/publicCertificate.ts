/** Where public certificates come from. */
export interface AcmePlan {
    directoryUrl: string;
    email: string;
}

/** TLS port at which Masters hand the public certificate to the station's own machines. */
export const certificatePort = 8444;
