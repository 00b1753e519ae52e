"""DigitAVQA: questions about handwritten and spoken digits, a miniature of audio-visual question answering."""
