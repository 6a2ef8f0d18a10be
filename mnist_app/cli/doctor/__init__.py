"""Whether this machine has all that the app relies on: each check does the thing itself.

`checks` runs them all, `command` prints them. What is checked is loaded inside the checks: a
package that is missing or broken is a line of the answer, and not the end of it.
"""
