"""What collections of API clients have in common: a small document, variables, requests that a person wrote down, saved answers.

`document` reads the file, `loose` takes values of whatever type a tool wrote, `variables` fills references in, `target` takes URLs apart,
`request` makes a `Recorded` of it all. Each format beside this package knows only where its tool writes what.
"""
