"""The application ``vision.digits``: read handwritten digits with a small network."""

from lepton_digits.recognition.config import RecognitionConfig
from lepton_digits.recognition.sample import small_digits
from lepton_platform import Application

application = Application(
    "Read handwritten digits", task="digits", config=RecognitionConfig, sample=small_digits
)
