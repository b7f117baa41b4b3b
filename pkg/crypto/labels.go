package crypto

// Every label of the product. No label is a prefix of another, and none is
// ever given a second meaning: a test holds this list against a golden copy.
const (
	LabelCertificate   Label = "secure-messaging v1 certificate"
	LabelCertHash      Label = "secure-messaging v1 hash of certificate"
	LabelChallenge     Label = "secure-messaging v1 relay challenge"
	LabelLogin         Label = "secure-messaging v1 login proof"
	LabelWelcome       Label = "secure-messaging v1 relay answer to login"
	LabelRegister      Label = "secure-messaging v1 registration proof"
	LabelRegisterNonce Label = "secure-messaging v1 registration nonce"
	LabelFingerprint   Label = "secure-messaging v1 fingerprint"
	LabelPrekey        Label = "secure-messaging v1 prekey"
	LabelPrekeyHash    Label = "secure-messaging v1 hash of prekey"
	LabelHandshake     Label = "secure-messaging v1 handshake transcript"
	LabelFirstSecret   Label = "secure-messaging v1 first secret"
	LabelSealedCert    Label = "secure-messaging v1 sealed certificate"
	LabelSessionID     Label = "secure-messaging v1 session id"
	LabelFirstRoot     Label = "secure-messaging v1 first root key"
	LabelRootStep      Label = "secure-messaging v1 root step"
	LabelChainKey      Label = "secure-messaging v1 chain key"
	LabelMessageKey    Label = "secure-messaging v1 message key"
	LabelMessage       Label = "secure-messaging v1 message body"
	LabelFileChunk     Label = "secure-messaging v1 file chunk"
	LabelFileRequest   Label = "secure-messaging v1 request for a file"
	LabelGroup         Label = "secure-messaging v1 state of a group"
	LabelInvite        Label = "secure-messaging v1 hash of invite"
	LabelSafetyNumber  Label = "secure-messaging v1 safety number"
	LabelKeyfileCommit Label = "secure-messaging v1 keyfile commitment"
	LabelKeyfileWrap   Label = "secure-messaging v1 keyfile wrap"
	LabelProfileDB     Label = "secure-messaging v1 profile database"
	LabelProfileSecret Label = "secure-messaging v1 profile secret"
	LabelBackup        Label = "secure-messaging v1 backup"
	LabelRecoveryCheck Label = "secure-messaging v1 checksum of a recovery code"
)

// Labels lists every label, for the test that compares them.
func Labels() []Label {
	return []Label{
		LabelCertificate, LabelCertHash, LabelChallenge, LabelLogin, LabelWelcome,
		LabelRegister, LabelRegisterNonce, LabelFingerprint,
		LabelPrekey, LabelPrekeyHash, LabelHandshake, LabelFirstSecret, LabelSealedCert, LabelSessionID,
		LabelFirstRoot, LabelRootStep, LabelChainKey, LabelMessageKey, LabelMessage,
		LabelFileChunk, LabelFileRequest, LabelGroup, LabelInvite, LabelSafetyNumber,
		LabelKeyfileCommit, LabelKeyfileWrap, LabelProfileDB, LabelProfileSecret,
		LabelBackup, LabelRecoveryCheck,
	}
}
