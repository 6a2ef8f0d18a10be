"""A language for tests, in which each text is the English one in angle brackets."""

import gettext


class MarkedLanguage(gettext.NullTranslations):
    """Translates "Rotation" to "<Rotation>"; a template keeps its braces."""

    def gettext(self, message: str) -> str:
        """Return the text in angle brackets."""
        return f"<{message}>"
