"""Why a channel shows what it shows, for whoever asks: the command line and the web app say the same of it."""
