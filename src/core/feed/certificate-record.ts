/**
 * Certificates on the feed, for those who ask (F2, C2): a record that takes no offset.
 *
 * It tells that everything below `next_offset` is certified. Each one covers all before it, so some may
 * be left out; a reader gets the newest when it has all that it covers.
 */

import { type Certificate, encodeCertificate } from "../consensus/certificate.ts";
import { toHex } from "../types/hex.ts";
import type { Offset } from "../types/units.ts";

export type CertificateRecord = {
  readonly certificate: Certificate;
  /** Offsets below it are certified. */
  readonly nextOffset: Offset;
};

export function formatCertificateRecord({ certificate, nextOffset }: CertificateRecord): string {
  const { epoch, chunk } = certificate;
  return (
    `{"kind":"certificate","epoch":${epoch},"height":${chunk.height},"chunk":"${chunk.hash}"` +
    `,"next_offset":${nextOffset},"certificate":"${toHex(encodeCertificate(certificate))}"}`
  );
}
