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
	LabelEnvelope      Label = "secure-messaging v0 envelope"
	LabelKeyfileCommit Label = "secure-messaging v1 keyfile commitment"
	LabelKeyfileWrap   Label = "secure-messaging v1 keyfile wrap"
	LabelProfileDB     Label = "secure-messaging v1 profile database"
	LabelProfileSecret Label = "secure-messaging v1 profile secret"
)

// Labels lists every label, for the test that compares them.
func Labels() []Label {
	return []Label{
		LabelCertificate, LabelCertHash, LabelChallenge, LabelLogin, LabelWelcome,
		LabelRegister, LabelRegisterNonce, LabelFingerprint, LabelEnvelope,
		LabelKeyfileCommit, LabelKeyfileWrap, LabelProfileDB, LabelProfileSecret,
	}
}
