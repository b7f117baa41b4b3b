package session

// Ask and Answer over another source of what is random.
var (
	AskFrom    = Session.ask
	AnswerFrom = answer
)
