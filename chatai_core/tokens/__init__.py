"""The AI token pool: keys of OpenAI, which of them answers next, and the ledger of what each was used for."""
