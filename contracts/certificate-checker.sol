// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Verifies certificates of a P-256 committee, in the bytes that the sequencer's clients verify offline.
/// It keeps no state and believes no record: whoever calls compares the record's hash, which comes back,
/// with one that it pinned or that it followed from a pinned one. Signatures are verified by the P-256
/// precompile of RIP-7212 and EIP-7951; on a chain without it every certificate is refused.
contract CertificateChecker {
    address private constant P256_VERIFY = address(0x100);
    /// Half of the curve's order: from a signature anybody makes the one with the other s.
    uint256 private constant LOW_S_MAX =
        0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8;

    uint8 private constant VERSION = 1;
    uint8 private constant SCHEME_P256 = 1;

    // Where fields of a record begin; 33 bytes for each member's key follow the last of them.
    uint256 private constant RECORD_DEPLOYMENT = 1;
    uint256 private constant RECORD_ERA = 29;
    uint256 private constant RECORD_EPOCH = 45;
    uint256 private constant RECORD_SCHEME = 85;
    uint256 private constant RECORD_QUORUM = 86;
    uint256 private constant RECORD_MEMBERS = 87;
    uint256 private constant RECORD_KEYS = 88;
    uint256 private constant KEY_BYTES = 33;

    // Where fields of a certificate begin; the bitmap and the signatures follow the last of them.
    uint256 private constant CERTIFICATE_EPOCH = 1;
    uint256 private constant CERTIFICATE_RECORD = 9;
    uint256 private constant CERTIFICATE_HEIGHT = 41;
    uint256 private constant CERTIFICATE_CHUNK = 49;
    uint256 private constant CERTIFICATE_SCHEME = 81;
    uint256 private constant CERTIFICATE_MEMBERS = 82;
    uint256 private constant CERTIFICATE_BITMAP = 83;
    uint256 private constant SIGNATURE_BYTES = 64;

    error MalformedRecord();
    error MalformedCertificate();
    /// The certificate is of another record or epoch.
    error WrongRecord();
    error NoQuorum(uint256 signers, uint256 quorum);
    error BadSignature(uint256 member);

    /// Reverts unless `certificate` holds valid signatures of a quorum of the record's members over the
    /// chunk that it names. `record`: canonical bytes of an epoch record of scheme p256. `ys`: for each
    /// signer, in order, the y of its key, whose bytes hold x and the parity of y.
    function check(bytes calldata record, bytes calldata certificate, uint256[] calldata ys)
        external
        view
        returns (bytes32 recordHash, uint64 height, bytes32 chunkHash)
    {
        (uint256 members, uint256 quorum) = readRecord(record);
        recordHash = sha256(abi.encodePacked(hex"000e", "baton/epoch/v1", record));
        uint256 bitmap = readCertificate(certificate, members, ys.length);
        if (
            bytes32(certificate[CERTIFICATE_RECORD:]) != recordHash
                || bytes8(certificate[CERTIFICATE_EPOCH:]) != bytes8(record[RECORD_EPOCH:])
        ) revert WrongRecord();
        if (ys.length < quorum) revert NoQuorum(ys.length, quorum);
        bytes32 digest = sha256(
            abi.encodePacked(
                hex"000c",
                "baton/ack/v1",
                record[RECORD_DEPLOYMENT:RECORD_ERA],
                certificate[CERTIFICATE_EPOCH:CERTIFICATE_SCHEME]
            )
        );
        checkSignatures(
            record[RECORD_KEYS:],
            certificate[CERTIFICATE_BITMAP + (members + 7) / 8:],
            ys,
            bitmap,
            digest
        );
        height = uint64(bytes8(certificate[CERTIFICATE_HEIGHT:]));
        chunkHash = bytes32(certificate[CERTIFICATE_CHUNK:]);
    }

    function readRecord(bytes calldata record)
        private
        pure
        returns (uint256 members, uint256 quorum)
    {
        if (record.length < RECORD_KEYS) revert MalformedRecord();
        quorum = uint8(record[RECORD_QUORUM]);
        members = uint8(record[RECORD_MEMBERS]);
        if (
            uint8(record[0]) != VERSION || uint8(record[RECORD_SCHEME]) != SCHEME_P256
                || members > 64 || quorum > members || quorum * 2 <= members
                || record.length < RECORD_KEYS + KEY_BYTES * members
        ) revert MalformedRecord();
    }

    /// The bitmap, member i at bit i, once the certificate is known to have `signers` signatures.
    function readCertificate(bytes calldata certificate, uint256 members, uint256 signers)
        private
        pure
        returns (uint256 bitmap)
    {
        uint256 bitmapBytes = (members + 7) / 8;
        if (
            certificate.length != CERTIFICATE_BITMAP + bitmapBytes + SIGNATURE_BYTES * signers
                || uint8(certificate[0]) != VERSION
                || uint8(certificate[CERTIFICATE_SCHEME]) != SCHEME_P256
                || uint8(certificate[CERTIFICATE_MEMBERS]) != members
        ) revert MalformedCertificate();
        for (uint256 i = 0; i < bitmapBytes; i++) {
            bitmap |= uint256(uint8(certificate[CERTIFICATE_BITMAP + i])) << (8 * i);
        }
        if (bitmap >> members != 0) revert MalformedCertificate();
        uint256 count = 0;
        for (uint256 rest = bitmap; rest != 0; rest &= rest - 1) count++;
        if (count != signers) revert MalformedCertificate();
    }

    /// `keys` and `signatures` begin with the first key and the first signature.
    function checkSignatures(
        bytes calldata keys,
        bytes calldata signatures,
        uint256[] calldata ys,
        uint256 bitmap,
        bytes32 digest
    ) private view {
        uint256 signer = 0;
        for (uint256 member = 0; bitmap >> member != 0; member++) {
            if ((bitmap >> member) & 1 == 0) continue;
            bytes calldata key = keys[KEY_BYTES * member:][:KEY_BYTES];
            bytes calldata signature = signatures[SIGNATURE_BYTES * signer:][:SIGNATURE_BYTES];
            if (!verify(digest, signature, key, ys[signer])) revert BadSignature(member);
            signer++;
        }
    }

    /// The precompile answers 1 in 32 bytes, or nothing, as an address without code does.
    function verify(bytes32 digest, bytes calldata signature, bytes calldata key, uint256 y)
        private
        view
        returns (bool)
    {
        if (uint8(key[0]) != 2 + (y & 1)) return false;
        if (uint256(bytes32(signature[32:])) > LOW_S_MAX) return false;
        (bool success, bytes memory answer) =
            P256_VERIFY.staticcall(abi.encodePacked(digest, signature, key[1:], y));
        return success && answer.length == 32 && uint256(bytes32(answer)) == 1;
    }
}
